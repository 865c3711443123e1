"""`triage push` and `triage probe` through `main([...])`."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO, TextIOWrapper
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from tests.support.sick_peer import PLAIN, SAFE, Peer, closed_port, healthy, serving
from triage.channels.wechat.callback import receive
from triage.cli import main
from triage.message import Message, Request, Response

Printed = pytest.CaptureFixture[str]
HERE = "--allow-private"
ALERT = """\
Appid: wx5a1b2c3d4e5f6071
昵称: 山谷书店
时间: 2024-05-17 19:42:08
内容: 微信服务器向公众号推送消息或事件后，得到的回应不合法
次数: 5分钟 64次
错误样例: [OpenID=oRxqg5UFBdN7PnrBiNK9o4mEn61s][Stamp=1715946128][OuterIP=198.51.100.31]\
[3rdUrl={url}][ip=203.0.113.21]{what}[response_length=9][response_content="success"]
报警排查指引，请见: https://mmbizurl.cn/s/MpkaZb8yg
"""


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TOKEN", SAFE.token), ("AES_KEY", SAFE.aes_key), ("APPID", SAFE.appid)):
        monkeypatch.setenv(f"TRIAGE_WECHAT_{name}", str(value))


@pytest.fixture
def peer() -> Iterator[Peer]:
    with serving(healthy(SAFE)) as peer:
        yield peer


def came(peer: Peer) -> Message:
    (request,) = peer.requests
    message = receive(request, SAFE, datetime.now(UTC))
    assert isinstance(message, Message)
    return message


# -- push


def test_push_sends_a_text_and_shows_what_came_of_it(peer: Peer, capsys: Printed) -> None:
    assert main(["push", peer.url, HERE, "--field", "Content=在吗"]) == 0
    printed = capsys.readouterr().out
    assert came(peer).text == "在吗"
    assert "→ POST /wx?signature=…&timestamp=" in printed
    assert "← 200" in printed
    assert "✓ the answer is legal; the user sees: 在吗" in printed
    assert came(peer).sender not in printed.partition("←")[0]
    assert SAFE.token not in printed


@pytest.mark.parametrize(
    ("kind", "push"),
    [("CLICK", "CLICK"), ("component_verify_ticket", "component_verify_ticket"), ("location", "location")],
)
def test_push_takes_any_kind(kind: str, push: str, peer: Peer, capsys: Printed) -> None:
    assert main(["push", peer.url, kind, HERE, "--json"]) == 0
    assert came(peer).push == push
    values = json.loads(capsys.readouterr().out)
    assert values["kind"] == push
    assert values["status"] == 200
    assert values["findings"] == []


def test_push_with_identities_of_ones_own(peer: Peer) -> None:
    openid, gh = "oQ7dXk2VbnTzLr5WfGh8JmPs3YcA", "gh_5d21c07be94f"
    assert main(["push", peer.url, "subscribe", HERE, "--openid", openid, "--account-id", gh]) == 0
    assert (came(peer).sender, came(peer).recipient) == (openid, gh)


def test_push_in_plain_mode_with_a_token_of_its_own(capsys: Printed) -> None:
    with serving(healthy(PLAIN)) as peer:
        assert main(["push", peer.url, HERE, "--mode", "plain", "--token", PLAIN.token]) == 0
    assert "plain mode" in capsys.readouterr().out


def test_push_judges_the_reply(capsys: Printed) -> None:
    with serving(lambda request: Response(200, b'"success"')) as peer:
        assert main(["push", peer.url, "VIEW", HERE]) == 1
    printed = capsys.readouterr().out
    assert "✗ quoted_reply" in printed
    assert "R4" in printed


@pytest.mark.parametrize("size", [2_000, 2_001])
def test_push_shows_2000_characters_of_a_reply(size: int, capsys: Printed) -> None:
    with serving(lambda request: Response(200, b"w" * size)) as peer:
        assert main(["push", peer.url, HERE]) == 1
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("  www"))
    assert line == "  " + "w" * 2_000


def test_push_says_why_nothing_came_back(capsys: Printed) -> None:
    assert main(["push", f"http://127.0.0.1:{closed_port()}/", HERE]) == 1
    assert "✗ curl_connect" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("what", "push"),
    [
        ("[MsgType=1][Msg=Text]", "text"),
        ("[MsgType=20000][Event=Template Send Job Finish]", "TEMPLATESENDJOBFINISH"),
        ("[MsgType=20002][Msg=Subscribe][Event=UnSubscribe]", "unsubscribe"),
        ("[Event=Location Report]", "LOCATION"),
        ("[MsgType=20100][Event=Component Ticket]", "component_verify_ticket"),
        ("[Event=Something New]", "SomethingNew"),
    ],
)
def test_push_repeats_the_push_of_an_alert(what: str, push: str, peer: Peer, tmp_path: Path) -> None:
    file = tmp_path / "alert.txt"
    file.write_text(ALERT.format(url=peer.url, what=what), encoding="utf-8")
    assert main(["push", "--from-alert", str(file), HERE, "--allow", "127.0.0.1"]) == 0
    assert came(peer).push == push
    assert came(peer).sender != "oRxqg5UFBdN7PnrBiNK9o4mEn61s"


def test_an_alert_alone_sends_nobody_anywhere(peer: Peer, tmp_path: Path, capsys: Printed) -> None:
    file = tmp_path / "alert.txt"
    file.write_text(ALERT.format(url=peer.url, what="[Msg=Text]"), encoding="utf-8")
    assert main(["push", "--from-alert", str(file), HERE]) == 2
    assert "--allow 127.0.0.1" in capsys.readouterr().err
    assert main(["push", "--from-alert", str(file), "--allow", "127.0.0.1"]) == 2
    assert "--allow-private" in capsys.readouterr().err
    assert peer.requests == []


def test_a_url_takes_the_place_of_the_alerts_own(peer: Peer, tmp_path: Path) -> None:
    file = tmp_path / "alert.txt"
    file.write_text(ALERT.format(url="http://192.0.2.1/", what="[Event=Click]"), encoding="utf-8")
    assert main(["push", peer.url, "--from-alert", str(file), HERE]) == 0
    assert came(peer).push == "CLICK"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give a URL"),
        (["mp.example.com"], "http://"),
        (["http://0x7f000001/"], "disguise"),
        (["http://127.0.0.1/", "clik", HERE], "did you mean 'CLICK'?"),
        (["http://127.0.0.1/", "payment_notify", HERE], "no push"),
        (["http://127.0.0.1/", "--field", "Content", HERE], "NAME=VALUE"),
        (["http://127.0.0.1/", "--mode", "shouted"], "shouted"),
        (["http://127.0.0.1/"], "--allow-private"),
        (["--from-alert", "/nowhere"], "/nowhere"),
        (["http://127.0.0.1/", "--aes-key", "short", HERE], "43"),
    ],
)
def test_a_mistake_of_usage_is_2(arguments: list[str], said: str, capsys: Printed) -> None:
    assert main(["push", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_text_without_an_alert_is_2(monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO("你好".encode())))
    assert main(["push", "--from-alert", "-"]) == 2
    assert "no alert" in capsys.readouterr().err


def test_without_a_token_it_says_where_to_put_it(monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    for name in ("TOKEN", "AES_KEY", "APPID"):
        monkeypatch.delenv(f"TRIAGE_WECHAT_{name}")
    assert main(["push", "http://127.0.0.1/", HERE]) == 2
    assert "TRIAGE_WECHAT_TOKEN" in capsys.readouterr().err


# -- probe

FAST = [HERE, "--count", "2", "--rate", "500"]


def test_probe_of_a_healthy_callback_is_0(peer: Peer, capsys: Printed) -> None:
    assert main(["probe", peer.url, *FAST, "--component"]) == 0
    assert "verdict: nothing is wrong" in capsys.readouterr().out


def test_probe_writes_json_junit_and_a_page(peer: Peer, tmp_path: Path, capsys: Printed) -> None:
    junit, page = tmp_path / "report.xml", tmp_path / "report.html"
    assert main(["probe", peer.url, *FAST, "--json", "--junit", str(junit), "--html", str(page)]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["clean"] is True
    suite = fromstring(junit.read_text("utf-8"))[0]  # noqa: S314 - we wrote it
    assert int(suite.attrib["tests"]) == len(values["checks"])
    assert suite.attrib["failures"] == "0"
    assert "没有发现问题" in page.read_text("utf-8")


def test_probe_of_a_sick_callback_is_1_and_nothing_in_a_reply_is_markup(
    tmp_path: Path, capsys: Printed
) -> None:
    junit, page = tmp_path / "report.xml", tmp_path / "report.html"
    evil = b"<script>alert(1)</script>\x1b[31m\x00Fatal error"
    arguments = ["--kinds", "VIEW, CLICK", "--junit", str(junit), "--html", str(page)]
    with serving(lambda request: Response(200, evil)) as peer:
        assert main(["probe", peer.url, *FAST, *arguments]) == 1
    printed = capsys.readouterr().out
    assert "the first that fails: verification" in printed
    assert "what to do: " in printed
    assert "\x1b" not in printed
    suite = fromstring(junit.read_text("utf-8"))[0]  # noqa: S314 - we wrote it
    assert int(suite.attrib["failures"]) > 0
    assert "<script>" not in page.read_text("utf-8")
    assert "&lt;script&gt;" in page.read_text("utf-8")


def test_probe_refuses_loopback_unless_allowed(peer: Peer, capsys: Printed) -> None:
    assert main(["probe", peer.url]) == 1
    assert "forbidden_address" in capsys.readouterr().out
    assert peer.requests == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["http://127.0.0.1/", "--kinds", "text,nonsense", HERE], "nonsense"),
        (["http://127.0.0.1/", "--webhook", "http://127.0.0.1/"], "--every"),
        (["http://127.0.0.1/", "--nameserver", "dns.example.com"], "--nameserver"),
        (["http://127.0.0.1/", "--nameserver", "10.0.0.1:0"], "--nameserver"),
        (["http://127.0.0.1/", "--count", "-1"], "--count"),
        (["http://127.0.0.1/", "--rate", "1000000"], "--rate"),
        (["http://127.1/"], "disguise"),
    ],
)
def test_a_mistake_of_usage_of_probe_is_2(arguments: list[str], said: str, capsys: Printed) -> None:
    assert main(["probe", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_2(peer: Peer, capsys: Printed) -> None:
    assert main(["probe", peer.url, *FAST, "--html", "/nowhere/report.html"]) == 2
    assert "cannot write /nowhere/report.html" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "within", "beyond"),
    [
        ("--count", ("0", "10000"), ("-1", "10001")),
        ("--rate", ("0.1", "5000"), ("0.09", "5001")),
        ("--every", ("0.05", "86400"), ("0.04", "86401")),
        ("--warn-at", ("1", "30"), ("0", "31")),
    ],
)
def test_an_option_takes_what_is_within_its_bounds(
    option: str, within: tuple[str, str], beyond: tuple[str, str], capsys: Printed
) -> None:
    for value in within:
        assert main(["probe", "http://127.1/", option, value]) == 2
        assert "disguise" in capsys.readouterr().err
    for value in beyond:
        assert main(["probe", "http://127.1/", option, value]) == 2
        assert option in capsys.readouterr().err


def test_twenty_pushes_are_timed_by_default_and_the_options_are_heeded(peer: Peer, capsys: Printed) -> None:
    assert main(["probe", peer.url, HERE, "--rate", "500", "--kinds", "text, CLICK", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pushes"] == 2 + 4 + 20
    assert main(["probe", peer.url, *FAST, "--mode", "plain", "--component", "--json"]) == 1
    values = json.loads(capsys.readouterr().out)
    assert values["mode"] == "plain"
    assert "component_ticket" in values["checked"]


# -- the heartbeat


def test_a_heartbeat_warns_by_webhook_and_stops_at_a_signal(capsys: Printed) -> None:
    told: list[Request] = []

    def webhook(request: Request) -> Response:
        told.append(request)
        os.kill(os.getpid(), signal.SIGTERM)
        return Response(200, b"{}")

    before = signal.getsignal(signal.SIGTERM)
    url = f"http://127.0.0.1:{closed_port()}/wx"
    with serving(webhook) as robot:
        assert main(["probe", url, HERE, "--every", "0.05", "--webhook", f"{robot.url}?key=secret"]) == 0
    assert signal.getsignal(signal.SIGTERM) is before
    printed = capsys.readouterr()
    assert printed.out.count("curl_connect") == 3
    assert "[warning]" in printed.err
    (request,) = told
    values = json.loads(request.body)
    assert (values["turn"], values["failures"], values["url"]) == ("warning", 3, url)
    assert "secret" not in printed.out + printed.err


def test_a_heartbeat_goes_on_without_its_webhook_and_serves_metrics(capsys: Printed) -> None:
    seen: list[str] = []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def answer(request: Request) -> Response:
        if len(sick.requests) == 60:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as metrics:
                seen.append(metrics.read().decode())
            os.kill(os.getpid(), signal.SIGINT)
        return Response(404, b"")

    with serving(answer) as sick:
        webhook = f"http://127.0.0.1:{closed_port()}/"
        arguments = [
            "--every",
            "0.05",
            "--metrics-port",
            str(port),
            "--webhook",
            webhook,
            "--rate",
            "500",
            "--json",
        ]
        assert main(["probe", sick.url, HERE, *arguments]) == 0
    printed = capsys.readouterr()
    assert "the webhook cannot be reached" in printed.err
    runs = [json.loads(line) for line in printed.out.splitlines()]
    assert runs[0]["pushes"] == 4 + 5
    assert len(runs) >= 4
    assert runs[1]["recent_failures"] == 2 * runs[0]["failed"]
    assert "triage_probe_up 0.0" in seen[0]
    assert 'triage_probe_findings{severity="high"}' in seen[0]
    assert "triage_probe_runs_total" in seen[0]
