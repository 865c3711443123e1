"""`triage probe`: what makes it fail, and what it says before it leaves traces."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from tests.support.sick_peer import SAFE, Answer, Peer, Raw, closed_port, healthy, serving
from triage.channels.wechat.callback import receive
from triage.cli import main
from triage.message import Message, Request, Response

Printed = pytest.CaptureFixture[str]
FAST = ["--allow-private", "--nameserver", "none", "--count", "2", "--rate", "500"]


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TOKEN", SAFE.token), ("AES_KEY", SAFE.aes_key), ("APPID", SAFE.appid)):
        monkeypatch.setenv(f"TRIAGE_WECHAT_{name}", str(value))


def believes_old_requests() -> Answer:
    """Right in everything, but for the age of a request."""
    well = healthy(SAFE)

    def answer(request: Request) -> Response | Raw:
        sent = datetime.fromtimestamp(int(request.query["timestamp"]), UTC)
        if request.method == "GET" and datetime.now(UTC) - sent > timedelta(minutes=30):
            return Response(200, request.query["echostr"].encode())
        return well(request)

    return answer


@pytest.fixture
def trusting() -> Iterator[Peer]:
    with serving(believes_old_requests()) as peer:
        yield peer


@pytest.mark.parametrize(
    ("fail_on", "code", "failures"),
    [([], 0, "0"), (["--fail-on", "high"], 0, "0"), (["--fail-on", "low"], 1, "1")],
)
def test_what_fails_is_at_least_of_the_given_severity(
    fail_on: list[str], code: int, failures: str, trusting: Peer, tmp_path: Path, capsys: Printed
) -> None:
    junit = tmp_path / "report.xml"
    assert main(["probe", trusting.url, *FAST, *fail_on, "--junit", str(junit)]) == code
    assert (
        "verdict: it works, with trifles: 1 low; 14 pushes, all answered legally" in capsys.readouterr().out
    )
    suite = fromstring(junit.read_text("utf-8"))[0]  # noqa: S314 - we wrote it
    assert suite.attrib["failures"] == failures


def test_a_medium_fault_fails_by_default_and_not_on_high() -> None:
    with serving(lambda request: _late_line_end(request)) as peer:
        assert main(["probe", peer.url, *FAST, "--kinds", "text"]) == 1
        assert main(["probe", peer.url, *FAST, "--kinds", "text", "--fail-on", "high"]) == 0


def _late_line_end(request: Request) -> Response | Raw:
    """Right, but for a line end behind success."""
    right = healthy(SAFE)(request)
    is_push = request.method == "POST" and isinstance(right, Response) and right.status == 200
    return Response(200, b"success\n") if is_push else right


def test_it_warns_before_a_push_that_leaves_traces(capsys: Printed) -> None:
    told: list[str] = []

    def answer(request: Request) -> Response | Raw:
        if not told:
            told.append(capsys.readouterr().err)
        return healthy(SAFE)(request)

    with serving(answer) as peer:
        assert main(["probe", peer.url, *FAST]) == 0
    assert "subscribe, unsubscribe, LOCATION, TEMPLATESENDJOBFINISH" in told[0]
    assert "--kinds text,CLICK,VIEW,unknown_event" in told[0]


@pytest.mark.parametrize("kinds", ["text", "text,CLICK,VIEW,unknown_event", "image,location"])
def test_without_traces_it_warns_of_nothing(kinds: str, capsys: Printed) -> None:
    with serving(healthy(SAFE)) as peer:
        assert main(["probe", peer.url, *FAST, "--kinds", kinds]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param(["--kinds", "text,subscribe"], "subscribe", id="a follower who is none"),
        pytest.param(["--kinds", "unsubscribe,SCAN"], "unsubscribe, SCAN", id="two kinds"),
        pytest.param(
            ["--component"], "component_verify_ticket", id="a ticket that would take the true one's place"
        ),
    ],
)
def test_a_heartbeat_refuses_what_leaves_traces(arguments: list[str], named: str, capsys: Printed) -> None:
    with serving(healthy(SAFE)) as peer:
        assert main(["probe", peer.url, *FAST, "--every", "1", *arguments]) == 2
        assert peer.requests == []
    assert f"leave out {named}" in capsys.readouterr().err


def test_a_heartbeat_sends_only_what_is_harmless(capsys: Printed) -> None:
    came: list[str] = []

    def answer(request: Request) -> Response | Raw:
        message = receive(request, SAFE, datetime.now(UTC)) if request.method == "POST" else None
        if isinstance(message, Message):
            came.append(message.push)
        if len(came) == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        return healthy(SAFE)(request)

    with serving(answer) as peer:
        assert main(["probe", peer.url, *FAST, "--count", "3", "--every", "5"]) == 0
    assert set(came) == {"text", "CLICK", "VIEW", "triage_probe_event"}
    assert capsys.readouterr().err == ""


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("arguments", "is_asked"),
    [
        pytest.param([], True, id="a public address and the default kinds"),
        pytest.param(["--kinds", "subscribe"], False, id="kinds that were named"),
        pytest.param(["--allow-private"], False, id="a test system"),
    ],
)
def test_on_a_terminal_it_asks_before_it_leaves_traces(
    arguments: list[str], is_asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = _Terminal()
    monkeypatch.setattr(sys, "stdin", _Terminal("n\n"))
    monkeypatch.setattr(sys, "stderr", said)
    # nothing listens at the port of loopback, so that a probe that is not stopped ends at once
    code = main(["probe", f"http://127.0.0.1:{closed_port()}/", "--nameserver", "none", *arguments])
    assert ("send them?" in said.getvalue(), code) == (is_asked, 2 if is_asked else 1)
    assert "caution: subscribe" in said.getvalue()
    assert ("nothing was sent" in said.getvalue()) == is_asked
