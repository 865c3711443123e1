"""`triage invite`: a word that makes whoever sends it to the bot a member; the first one is made in this way."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import click

from triage.bot.access import API, holder_of, names_of
from triage.bot.membership import INVITATION_EXPIRES
from triage.cli._commands import Command
from triage.cli._language import gettext
from triage.cli._output import write
from triage.cli.members import read_appids
from triage.errors import InputError
from triage.message import Person
from triage.names import person_name
from triage.settings import load_settings
from triage.store import Invite, Role, Store
from triage.web.invitations import invitation_word


@click.command(
    "invite", cls=Command, examples=("triage invite 小李", "triage invite 小李 --role member --appid wx…")
)
@click.argument("name", metavar="NAME")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.LEAD.value,
    show_default=True,
    help="A lead also invites, removes, and says what others see.",
)
@click.option("--appid", "appids", multiple=True, help="An account whose incidents they see. Default: all.")
def command(name: str, role: str, appids: tuple[str, ...]) -> None:
    """Make an invitation for NAME: whoever sends the printed words to the bot within a day is that member."""
    settings = load_settings()
    called = person_name(name)
    if called is None:
        raise InputError(gettext("'{name}' is no name that can be read", name=name))
    word, now = invitation_word(), datetime.now(UTC)
    given = Invite(
        word,
        Person(API, "", "triage invite"),
        now + INVITATION_EXPIRES,
        appids=read_appids(appids),
        role=Role(role),
        name=called,
    )
    with closing(Store.open(settings.database_url)) as store:
        if holder_of(called, names_of(store, settings.admins)):
            raise InputError(gettext("a member is called '{name}' already; choose another name", name=called))
        store.invite(given)
    write(gettext("within a day {name} sends the bot: {said}", name=called, said=f"加入 {word}"))
