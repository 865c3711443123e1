"""`triage menu`: the buttons say what can be typed, keep the platform's limits, and reach it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.wechat_api import APPID, SECRET, FakeWeChat, platform
from triage.advice.adviser import Adviser
from triage.bot.commands import read_command
from triage.channels.wechat.menu import make_menu, menu_mistakes
from triage.cli import main

__all__ = ["platform"]

MENU = "cgi-bin/menu/create"
CLICK = {"type": "click", "name": "帮助", "key": "帮助"}
Printed = pytest.CaptureFixture[str]


def _keys() -> list[str]:
    return [button["key"] for top in make_menu()["button"] for button in top.get("sub_button", [top])]


@pytest.mark.parametrize("key", _keys())
def test_a_click_says_a_command_or_asks_for_a_topic(key: str, adviser: Adviser) -> None:
    assert read_command(key) or adviser.ask(key).candidates
    assert not key.isdigit(), "a digit may choose among topics that were offered"


def test_the_menu_keeps_the_platforms_limits() -> None:
    assert list(menu_mistakes(make_menu())) == []


def _tops(*buttons: object) -> dict[str, object]:
    return {"button": list(buttons)}


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        ([], "a menu is an object"),
        ({"buttons": []}, "a menu is an object"),
        (_tops(), "0 buttons"),
        (_tops(*[CLICK] * 4), "4 buttons; 1 to 3"),
        (_tops("帮助"), r"button\[0\]: give an object"),
        (_tops({**CLICK, "name": ""}), "needs a name"),
        (_tops({**CLICK, "name": 5}), "needs a name"),
        (_tops({**CLICK, "name": "五个汉字了"}), "wider than 4"),
        (_tops({**CLICK, "name": "ninechars"}), "wider than 4"),
        (_tops({**CLICK, "type": "clack"}), "type 'clack' is none of click"),
        (_tops({"name": "帮助", "type": ["click"]}), "is none of click"),
        (_tops({"name": "帮助", "type": "click"}), "a click button needs 'key'"),
        (_tops({**CLICK, "key": "键" * 43}), "the key has 129 bytes"),
        (_tops({"name": "看", "type": "view"}), "a view button needs 'url'"),
        (_tops({"name": "多", "sub_button": [CLICK] * 6}), r"button\[0\]\.sub_button: give a list of 1 to 5"),
        (_tops({"name": "多", "sub_button": {"a": 1}}), "give a list of 1 to 5"),
        (_tops({"name": "五个汉字了", "sub_button": [CLICK]}), "wider than 4"),
        (
            _tops({"name": "多", "sub_button": [{**CLICK, "name": "这里有九个汉字了吧"}]}),
            r"button\[0\]\.sub_button\[0\]: .* wider than 8",
        ),
        (_tops({"name": "多", "sub_button": [{**CLICK, "sub_button": [CLICK]}]}), "no third level"),
    ],
    ids=str,
)
def test_what_the_platform_would_refuse_or_cut_is_named(
    given: object, mistake: str, tmp_path: Path, capsys: Printed
) -> None:
    file = tmp_path / "menu.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    assert main(["menu", "show", "--file", str(file)]) == 1
    assert re.search(mistake, capsys.readouterr().err)


def test_the_widest_names_pass() -> None:
    below = {"name": "八个汉字刚好八个", "type": "view", "url": "https://mp.example.cn"}
    assert list(menu_mistakes(_tops({"name": "Markfail", "sub_button": [below] * 5}))) == []


def test_show_prints_the_menu_as_json(capsys: Printed) -> None:
    assert main(["menu", "show"]) == 0
    assert json.loads(capsys.readouterr().out) == make_menu()


# -- push


@pytest.fixture
def account(platform: FakeWeChat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeWeChat:
    """The fake platform behind the command, and settings for an account there."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "NO_PROXY": "127.0.0.1",
        "TRIAGE_WECHAT_APPID": APPID,
        "TRIAGE_WECHAT_SECRET": SECRET,
        "TRIAGE_WECHAT_API_URL": platform.url,
        "TRIAGE_WECHAT_TOKEN": "a-token",
    }.items():
        monkeypatch.setenv(name, value)
    return platform


def _pushed(platform: FakeWeChat) -> list[Any]:
    return [json.loads(body) for path, body in platform.requests if path == MENU]


def test_push_sends_the_menu(account: FakeWeChat, capsys: Printed) -> None:
    assert main(["menu", "push"]) == 0
    assert _pushed(account) == [make_menu()]
    assert "pushed 3 buttons" in capsys.readouterr().out


def test_push_takes_a_menu_of_your_own(account: FakeWeChat, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps(_tops(CLICK)), encoding="utf-8")
    assert main(["menu", "push", "--file", "mine.json"]) == 0
    assert _pushed(account) == [_tops(CLICK)]


def test_push_sends_no_menu_with_a_mistake(account: FakeWeChat, tmp_path: Path, capsys: Printed) -> None:
    (tmp_path / "mine.json").write_text("{}", encoding="utf-8")
    assert main(["menu", "push", "--file", "mine.json"]) == 1
    (tmp_path / "mine.json").write_text("{", encoding="utf-8")
    assert main(["menu", "push", "--file", "mine.json"]) == 2
    assert "no JSON" in capsys.readouterr().err
    assert account.requests == []


@pytest.mark.parametrize("missing", ["TRIAGE_WECHAT_APPID", "TRIAGE_WECHAT_SECRET"])
def test_push_names_the_setting_that_is_missing(
    account: FakeWeChat, monkeypatch: pytest.MonkeyPatch, capsys: Printed, missing: str
) -> None:
    monkeypatch.delenv(missing)
    assert main(["menu", "push"]) == 2
    assert missing in capsys.readouterr().err
    assert account.requests == []


def test_push_needs_an_account(account: FakeWeChat, monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    for name in ("APPID", "SECRET", "TOKEN"):
        monkeypatch.delenv(f"TRIAGE_WECHAT_{name}")
    assert main(["menu", "push"]) == 2
    assert "TRIAGE_WECHAT_TOKEN" in capsys.readouterr().err


def test_push_asks_which_of_several_accounts(
    account: FakeWeChat, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    other = [{"appid": "wx00000000000000aa", "token": "other"}]
    monkeypatch.setenv("TRIAGE_WECHAT_ACCOUNTS", json.dumps(other))
    assert main(["menu", "push"]) == 2
    assert "--appid" in capsys.readouterr().err
    assert main(["menu", "push", "--appid", "wx00000000000000bb"]) == 2
    assert main(["menu", "push", "--appid", "wx00000000000000aa"]) == 2
    assert "TRIAGE_WECHAT_SECRET" in capsys.readouterr().err
    assert main(["menu", "push", "--appid", APPID]) == 0
    assert _pushed(account) == [make_menu()]


def test_push_keeps_its_token_beside_the_database(account: FakeWeChat, tmp_path: Path) -> None:
    assert main(["menu", "push"]) == main(["menu", "push"]) == 0
    assert account.count("cgi-bin/stable_token") == 1
    assert len(list(tmp_path.glob("wechat-token-*.json"))) == 1


def test_push_reads_the_secret_from_a_file(
    account: FakeWeChat, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n", encoding="utf-8")
    monkeypatch.delenv("TRIAGE_WECHAT_SECRET")
    monkeypatch.setenv("TRIAGE_WECHAT_SECRET_FILE", str(tmp_path / "secret"))
    assert main(["menu", "push"]) == 0


def test_push_says_what_to_do_and_no_secret(account: FakeWeChat, capsys: Printed) -> None:
    account.answers[MENU] = [{"errcode": 48001, "errmsg": "api unauthorized rid: 1-2-3"}]
    assert main(["menu", "push"]) == 2
    printed = capsys.readouterr().err
    assert "errcode 48001" in printed
    assert "whether the account is verified" in printed
    assert SECRET not in printed
