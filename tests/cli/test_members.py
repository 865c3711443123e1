"""`triage invite` and `triage members`: the first member, what members see, removing one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.stores import entry, person
from tests.support.upgraded import new_file
from triage.cli import main
from triage.store import Join, Member, Role, Store

ALICE = Member(person("oAlice"), "阿丽", None, ("wx0123456789abcdef",), datetime(2026, 5, 1, tzinfo=UTC))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    url = new_file(tmp_path / "triage.db")
    monkeypatch.setenv("TRIAGE_DATABASE_URL", url)
    monkeypatch.setenv("TRIAGE_MEMBERS", "oZhao=小赵")
    with closing(Store.open(url)) as opened:
        yield opened


def _word(capsys: pytest.CaptureFixture[str]) -> str:
    match = re.search(r"加入 (\w+)$", capsys.readouterr().out.strip())
    assert match
    return match[1]


@pytest.mark.parametrize(
    ("options", "role", "appids"),
    [
        ([], Role.LEAD, ()),
        (["--role", "member", "--appid", "wx0123456789abcdef"], Role.MEMBER, ("wx0123456789abcdef",)),
    ],
    ids=["the first one", "a member of one account"],
)
def test_whoever_sends_the_printed_words_is_that_member(
    options: list[str],
    role: Role,
    appids: tuple[str, ...],
    store: Store,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["invite", "小李", *options]) == 0
    word = _word(capsys)
    store.record(entry("1", actions=(Join(word, person("oLi"), None),), received_at=datetime.now(UTC)))
    member = store.member(person("oLi"))
    assert member
    assert (member.name, member.role, member.appids) == ("小李", role, appids)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["invite", "阿 丽"], "a member is called", id="a name that a member has"),
        pytest.param(["invite", "小赵"], "a member is called", id="a name of the settings"),
        pytest.param(["invite", "\u200b\u3164"], "no name that can be read", id="a name that nobody sees"),
        pytest.param(["invite", "小李", "--appid", "wx1"], "no AppID", id="an AppID that is none"),
        pytest.param(["members", "remove", "小王"], "no member is called '小王'", id="nobody to remove"),
        pytest.param(["members", "remove", "小赵"], "by TRIAGE_MEMBERS", id="a member by setting"),
        pytest.param(["members", "change", "阿丽"], "give --appid", id="nothing to change"),
        pytest.param(
            ["members", "change", "阿丽", "--all-accounts", "--appid", "wx0123456789abcdef"],
            "not together",
            id="one account and all of them",
        ),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    arguments: list[str], told: str, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.add_member(ALICE)
    assert main(arguments) == 2
    assert told in capsys.readouterr().err
    assert store.members() == (ALICE,)
    assert list(store.export("invitations")) == []


def test_members_are_listed_changed_and_removed(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.add_member(ALICE)
    assert main(["members", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "小赵 · lead, by TRIAGE_MEMBERS · every account · wechat/*/oZhao",
        "阿丽 · member · wx0123456789abcdef · wechat/wx1/oAlice",
    ]
    assert main(["members", "change", "阿丽", "--all-accounts"]) == 0
    assert main(["members", "change", str(ALICE.person), "--role", "lead"]) == 0
    assert "阿丽 · lead · every account" in capsys.readouterr().out.splitlines()[-1]
    assert main(["members", "remove", "阿丽"]) == 0
    assert store.members() == ()
