"""`triage members`: who they are, what they see, and removing one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import click

from triage.bot.access import API
from triage.bot.membership import APPID
from triage.cli._commands import Group
from triage.cli._language import gettext
from triage.cli._output import write
from triage.errors import InputError
from triage.message import Person
from triage.names import name_key
from triage.settings import load_settings
from triage.store import Grant, Member, Removal, Role, Store

_HERE = Person(API, "", "triage members")
"""Who does it, in the timeline."""


@click.group("members", cls=Group)
def command() -> None:
    """See the members, change what they see and may do, or remove one. `triage invite` makes them."""


@command.command("list", examples=("triage members list",))
def list_members() -> None:
    """Print every member: the name, the role, the accounts they see, who they are on which channel."""
    settings = load_settings()
    with _store() as store:
        for person, name in settings.members.items():
            write(_line(name, gettext("lead, by TRIAGE_MEMBERS"), (), person))
        for member in store.members():
            write(_line(member.name or "-", member.role.value, member.appids, member.person))


@command.command(
    "change",
    examples=(
        "triage members change 小李 --appid wx0123456789abcdef",
        "triage members change 小李 --all-accounts --role lead",
    ),
)
@click.argument("who", metavar="NAME")
@click.option("--appid", "appids", multiple=True, help="An account whose incidents they see.")
@click.option("--all-accounts", is_flag=True, help="They see the incidents of every account.")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    help="A lead also invites, removes, and says what others see.",
)
def change(who: str, appids: tuple[str, ...], all_accounts: bool, role: str | None) -> None:
    """Change which accounts NAME sees, or the role; NAME may be the last column of `triage members list`."""
    if (appids and all_accounts) or not (appids or all_accounts or role):
        raise click.UsageError(gettext("give --appid, --all-accounts or --role; the first two not together"))
    with _store() as store:
        member = _find(store, who)
        sees = read_appids(appids) if appids or all_accounts else member.appids
        store.grant(Grant(member.person, Role(role) if role else member.role, sees))
        changed = store.member(member.person) or member
    write(_line(changed.name or "-", changed.role.value, changed.appids, changed.person))


@command.command("remove", examples=("triage members remove 小李",))
@click.argument("who", metavar="NAME")
def remove(who: str) -> None:
    """Make NAME no member any more: what they had claimed is free, and their unused invitations are void."""
    with _store() as store:
        member = _find(store, who)
        store.remove_member(Removal(member.person, _HERE), datetime.now(UTC))
    write(gettext("{name} is no member any more", name=member.name or str(member.person)))


def read_appids(appids: Sequence[str]) -> tuple[str, ...]:
    """The AppIDs given. Raises InputError for what is none."""
    wrong = next((appid for appid in appids if not APPID.fullmatch(appid)), None)
    if wrong is not None:
        raise InputError(gettext("'{appid}' is no AppID: wx and 16 digits or letters", appid=wrong))
    return tuple(dict.fromkeys(appids))


@contextmanager
def _store() -> Iterator[Store]:
    with closing(Store.open(load_settings().database_url)) as store:
        yield store


def _find(store: Store, who: str) -> Member:
    """The member of a name, or of a person as `members list` prints them."""
    key = name_key(who)
    for member in store.members():
        if who == str(member.person) or (member.name and name_key(member.name) == key):
            return member
    if any(who == str(person) or name_key(name) == key for person, name in load_settings().members.items()):
        raise InputError(gettext("{name} is a member by TRIAGE_MEMBERS; change that and restart", name=who))
    raise InputError(gettext("no member is called '{name}'; see: triage members list", name=who))


def _line(name: str, role: str, appids: Sequence[str], person: Person) -> str:
    sees = ",".join(appids) or gettext("every account")
    return " · ".join((name, role, sees, str(person)))
