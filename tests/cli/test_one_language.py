"""Every command speaks one language, in success and failure: what it says itself, beside what it quotes.

What is quoted here is ASCII: the names in the rule and team files, the accounts, the texts that are asked for.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from _pytest.capture import CaptureResult

from tests.support.paths import ROOT
from tests.support.sick_peer import Raw, closed_port, healthy, serving
from triage.channels.wechat.account import Account
from triage.cli import main, simulate
from triage.message import Request, Response

Printed = pytest.CaptureFixture[str]

CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
ENGLISH = re.compile(
    r"(?<![\w`./=-])(?:a|an|and|are|be|by|can|did|does|for|from|has|have|here|in|is|it|must|no|not|of|or|the|there|this|"
    r"to|was|what|with|without)(?![\w`/=-])",
)
"""Words without which there is no sentence; names of options, files and programs are none."""
RULE = """\
id: probe_rule
title: Probe rule
severity: high
meaning: A rule.
sentences: [wholly unlike others]
aliases: [probe-rule-alias]
steps:
  - id: first
    do: Look
    source: field
examples:
  match:
    - query: probe-rule-alias
  ignore:
    - query: lunch
"""
TEAM = """\
people:
  li: {name: Li Lei, wecom: lilei}
rotations:
  main: {people: [li], at: Mon 10:00, from: 2026-01-05}
"""
PATH = "/nursery/api/v1/wechat"
FINE = '200 7 "-" "-" 0.020 10.0.0.8:80'
FILES = {
    "own.yml": RULE,
    "bad/key.yml": RULE.replace("severity", "sevrity"),
    "bad/yaml.yml": "id: [\n",
    "bad/empty.yml": "",
    "bad/values.yml": RULE.replace("severity: high", "severity: hot\nnumber: 1000").replace("[wholly", "[xy, wholly"),
    "bad/conditions.yml": RULE.replace("aliases", "when: {count: x, knd: y, text|regx: z, ip|cidr: w}\naliases"),
    "bad/templates.yml": RULE.replace("do: Look", "do: Look {{ lip }} {% for x in y %}{% endfor %}"),
    "bad/codes.yml": "family: errcodes\ntitle: x\ntopic: help\ncodes: {x: {meaning: y}}\n",
    "bad/names.yml": RULE.replace("aliases", "see: [nothing]\naliases").replace("field", "nowhere"),
    "lost.yml": RULE.replace("query: probe-rule-alias", "query: lunch").replace("query: lunch", "query: 499", 1),
    "empty/readme.txt": "",
    "team.yml": TEAM,
    "bad-team.yml": TEAM.replace("wecom:", "wecm:").replace("Mon 10:00", "noon").replace("[li]", "[lee]")
    + "groups:\n  all: {wecom_webhook: secret}\nquiet: {from: '1', to: '2'}\nescalation: {hot: []}\n",
    "hole-team.yml": TEAM.replace("2026", "2999"),
    "other.db": "no database",
    "menu.json": '{"button": [{"name": "x"}, {"type": "view"}, {"name": "y" , "sub_button": [1]}, 2, 3]}',
    "nginx.conf": """\
worker_processes 1;
worker_rlimit_nofile 100;
error_log off;
events { worker_connections 64; }
http {
  // x
  log_format wx '$remote_addr "$request" $status';
  access_log logs/a.log wx buffer=32k;
  set_real_ip_from 0.0.0.0/0;
  limit_req_zone $binary_remote_addr zone=z:1m rate=1r/s;
  server {
    listen 8080 ssl; ssl_protocols TLSv1.3; error_page 500 =200 /x;
    location /wx { proxy_pass http://10.0.0.1:8080/; proxy_read_timeout 60s; proxy_connect_timeout 60s; deny all;
      limit_req zone=z; client_max_body_size 1k; proxy_ignore_client_abort on; proxy_buffering off;
      access_log off; access_log logs/b.log none; if ($a) { set $b 1; } }
    location /weixin { return 301 https://example.cn/; }
  }
}
""",
    "empty.log": "\n",
    "odd.log": "x y z\n",
    **{
        f"{name}.log": "".join(
            f'10.0.0.9 - - [12/Aug/2022:16:{minute}:08 +0800] "POST {path} HTTP/1.1" {rest}\n'
            for minute, path, rest in lines
        )
        for name, lines in {
            "late": [(10, PATH, FINE), (18, PATH, '499 0 "-" "-" 5.002 10.0.0.8:80'), (30, PATH, FINE)],
            "away": [(10, PATH, FINE), (30, PATH, FINE)],
            "refused": [(10, PATH, FINE), (18, PATH, '403 0 "-" "-" 0.001 -'), (30, PATH, FINE)],
            "wrong": [(10, PATH, FINE), (18, PATH, '502 0 "-" "-" 0.001 10.0.0.8:80'), (30, PATH, FINE)],
            "well": [(10, PATH, FINE), (18, PATH, '200 7 "-" "-" 3.500 10.0.0.8:80'), (30, PATH, FINE)],
            "untimed": [(10, PATH, "200 7"), (18, PATH, "200 7"), (30, PATH, "200 7")],
            "short": [(17, PATH, FINE), (18, PATH, FINE)],
            "later": [(40, PATH, FINE)],
        }.items()
    },
}  # fmt: skip
DATABASE = "TRIAGE_DATABASE_URL"
ABSENT = {DATABASE: "sqlite:////nowhere/triage.db"}
CASES: dict[str, tuple[str, int | None, dict[str, str]]] = {
    "rules are well": ("rules check", 0, {}),
    "rules with mistakes": ("rules check bad", 1, {}),
    "no rules at all": ("rules check empty nowhere", 1, {}),
    "examples that fail": ("rules test lost.yml", 1, {}),
    "rules in use": ("rules list", 0, {"TRIAGE_RULES_DIRS": "own.yml"}),
    "rules that cannot be loaded": ("rules list", 2, {"TRIAGE_RULES_DIRS": "bad"}),
    "one rule": ("rules show probe_rule", 0, {"TRIAGE_RULES_DIRS": "own.yml"}),
    "no such rule": ("rules show nothing", 2, {}),
    "no gaps": ("rules gaps", 0, {}),
    "nothing to replay": ("rules replay --rules own.yml", 0, {}),
    "a team": ("team check team.yml", 0, {}),
    "a team with mistakes": ("team check bad-team.yml", 1, {}),
    "a team with holes": ("team check hole-team.yml", 1, {}),
    "a team that cannot be read": ("team check nowhere.yml", 2, {}),
    "who is on call": ("team show", 0, {"TRIAGE_TEAM": "team.yml"}),
    "nobody is on call": ("team show", 0, {"TRIAGE_TEAM": "hole-team.yml"}),
    "a team in the settings with mistakes": ("config", 2, {"TRIAGE_TEAM": "bad-team.yml"}),
    "settings": ("config", 0, {}),
    "settings out of range": ("config", 2, {"TRIAGE_PORT": "99999", "TRIAGE_DEMO": "x", "TRIAGE_LOG_LEVEL": "x"}),
    "a setting misspelt": ("config", 2, {"TRIAGE_PROT": "8080"}),
    "settings that contradict each other": ("config", 2, {"TRIAGE_WECHAT_AES_KEY": "x"}),
    "settings in no form": (
        "config",
        2,
        dict.fromkeys(("TRIAGE_MEMBERS", "TRIAGE_HOOKS", "TRIAGE_PUBLIC_URL", "TRIAGE_WECHAT_ACCOUNTS"), "x"),
    ),
    "an account without its key": ("menu push", 2, {"TRIAGE_WECHAT_TOKEN": "token", "TRIAGE_WECHAT_APPID": "wx1"}),
    "no account": ("menu push", 2, {}),
    "the database is made": ("db upgrade", 0, {}),
    "the database is well": ("db check", 0, {}),
    "no database": ("db check", 2, ABSENT),
    "no database URL": ("db check", 2, {DATABASE: "x"}),
    "no such driver": ("db check", 2, {DATABASE: "oracle://x"}),
    "no server": ("db check", 2, {DATABASE: "postgresql://127.0.0.1:1/x"}),
    "a database that is none": ("db check", 2, {DATABASE: "sqlite:///other.db"}),
    "a backup": ("db backup copy.db", 0, {}),
    "a backup onto a file": ("db backup other.db", 2, {}),
    "a backup of nothing": ("db backup copy.db", 2, ABSENT),
    "a backup of a server": ("db backup copy.db", 2, {DATABASE: "postgresql://127.0.0.1:1/x"}),
    "what is no backup": ("db restore other.db", 2, {}),
    "a purge": ("db purge", 0, {}),
    "members": ("members list", 0, {}),
    "no such member": ("members remove x", 2, {}),
    "an invitation": ("invite x", 0, {}),
    "an outbox": ("outbox", 0, {}),
    "an export": ("export alerts", 0, {}),
    "a menu with mistakes": ("menu show --file menu.json", 1, {}),
    "no such file": ("parse nowhere", 2, {}),
    "no text to judge": ("judge own.yml", 0, {}),
    "an nginx configuration": ("nginx nginx.conf", 1, {}),
    "no nginx configuration": ("nginx own.yml", 2, {}),
    "a host": ("doctor", None, {}),
    "a host and its configuration": ("doctor --nginx nginx.conf", 1, {}),
    "the illnesses": ("simulate --list", 0, {}),
    "a healthy callback": ("simulate healthy", 0, {}),
    "a sick callback": ("simulate slow mark_fail", 0, {}),
    **{
        f"the log {name}": (f"logs {name}.log --alert alert.txt", None, {})
        for name in ("empty", "odd", "late", "away", "refused", "wrong", "well", "untimed", "short", "later")
    },
}  # fmt: skip
QUOTED = re.compile(
    r"^  .*\|.*$|^    .*[;{}]$|^     source: .*$|加入 \S+|(?<=不是 YAML：).*?(?=；|$)|(?<=没有回应：).*?(?=；)|"
    r"(?<=用不了 other.db：).*$|(?<= 秒：).*(?=）)",
    re.MULTILINE,
)
"""What is no word of ours: lines of files, what a source is called, what the bot is told, what other programs say."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A directory with the files, and a database that is up to date."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "alert.txt").write_bytes((ROOT / "docs/alert.txt").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(simulate, "_panel", lambda text, title, style: print(title))
    monkeypatch.setenv(DATABASE, f"sqlite:///{tmp_path}/triage.db")
    assert main(["db", "upgrade"]) == 0
    capsys.readouterr()
    return tmp_path


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TRIAGE_LANG", request.param)
    return str(request.param)


def _foreign(printed: CaptureResult[str], language: str) -> list[str]:
    """The lines in another language."""
    lines = QUOTED.sub("", printed.out + printed.err).splitlines()
    return [line for line in lines if (CHINESE if language == "en" else ENGLISH).search(line)]


@pytest.mark.parametrize("case", CASES)
def test_a_command_speaks_one_language(
    case: str, language: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    words, code, environment = CASES[case]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ended = main(shlex.split(words))
    printed = capsys.readouterr()
    assert _foreign(printed, language) == [], printed
    assert code in (ended, None), printed


# -- callbacks

XML = (
    "<xml><ToUserName>{to}</ToUserName><FromUserName>{own}</FromUserName><CreateTime>{at}</CreateTime>"
    "<MsgType>{type}</MsgType>{rest}</xml>"
)
OPENID, ACCOUNT = "oAbc0123456789012345678901234", "gh_0123456789ab"
RIGHT = {"to": OPENID, "own": ACCOUNT, "at": 1715946128, "type": "text", "rest": "<Content>x</Content>"}


def _reply(**parts: object) -> str:
    return XML.format(**RIGHT | parts)


REPLIES: dict[str, str] = {
    "a right one": _reply(),
    "success": "success",
    "success in blanks": " success\n",
    "blanks": "  ",
    "success in quotes": '"success"',
    "XML in quotes": f"'{_reply()}'",
    "escaped XML": "&lt;xml&gt;",
    "JSON": '{"errcode": 0}',
    "a page": "<html><body>x</body></html>",
    "an error": "Fatal error: x",
    "a text": "hello",
    "other bytes": "\udcff\udcfe",
    "a BOM": f"\ufeff{_reply()}",
    "a blank before": f"\n{_reply()}",
    "a DOCTYPE": f"<!DOCTYPE xml>{_reply()}",
    "an open tag": "<xml><q></xml>",
    "no end": "<xml><q></q>",
    "an open CDATA": "<xml><q><![CDATA[x</q></xml>",
    "an ampersand": "<xml>&</xml>",
    "an unknown entity": "<xml>&x;</xml>",
    "something behind": f"{_reply()}x",
    "a control character": _reply(rest="<Content>\x01</Content>"),
    "another root": "<reply></reply>",
    "the push itself": _reply(type="event", rest=""),
    "not swapped": _reply(to=ACCOUNT, own=OPENID),
    "success in XML": _reply(rest="<Content>success</Content>"),
    "no content": _reply(rest="<Content></Content>"),
    "a long content": _reply(rest=f"<Content>{'x' * 3000}</Content>"),
    "milliseconds": _reply(at=1715946128000),
    "no time": _reply(at="now"),
    "another follower": _reply(to="oOther", own="gh_other"),
    "missing fields": _reply(type="image", rest=""),
    "an unknown type": _reply(type="poem"),
    "too many articles": _reply(
        type="news", rest=f"<ArticleCount>3</ArticleCount><Articles>{'<item></item>' * 2}</Articles>"
    ),
    "an envelope": "<xml><Encrypt>x</Encrypt></xml>",
}


@pytest.mark.parametrize("said", REPLIES)
def test_what_is_wrong_with_an_answer_is_said_in_one_language(
    said: str, language: str, place: Path, capsys: Printed
) -> None:
    body = REPLIES[said].encode("utf-8", "surrogateescape")
    with serving(lambda _: Response(200, body)) as peer:
        for kind in ("text", "VIEW", "component_verify_ticket"):
            main(["push", peer.url, kind, *PLAIN, "--openid", OPENID, "--account-id", ACCOUNT])
    shown = re.compile(rf"^  \ufffd?{re.escape(body.decode(errors='replace').strip())}$", re.MULTILINE)
    printed = capsys.readouterr()
    assert _foreign(CaptureResult(shown.sub("", printed.out), printed.err), language) == []


PLAIN = ("--token", "token", "--appid", "wx1", "--mode", "plain", "--allow-private")
FAST = ("--nameserver", "none", "--count", "2", "--rate", "500")
STATUSES = (201, 301, 400, 401, 403, 404, 405, 413, 415, 418, 429, 500, 502, 999)
SICK: dict[str, Callable[[Request], Response | Raw]] = {
    "well": healthy(Account("wx1", "token"), lambda _: "x"),
    "always success": lambda _: Response(200, b"success"),
    "repeats whatever comes": lambda request: Response(200, request.query.get("echostr", "<xml></xml>").encode()),
    "other every time": lambda request: Response(200, str(id(request)).encode()),
    "hangs up": lambda _: Raw(),
    "speaks no HTTP": lambda _: Raw(b"hello\r\n\r\n"),
    "breaks off": lambda _: Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxml"),
    **{
        f"HTTP {status}": lambda _, status=status: Response(status, b"http://example.cn/")  # type: ignore[misc]
        for status in STATUSES
    },
}  # fmt: skip


@pytest.mark.parametrize("sick", SICK)
def test_the_report_of_a_probe_is_in_one_language(
    sick: str, language: str, place: Path, capsys: Printed
) -> None:
    with serving(SICK[sick]) as peer:
        main(["probe", peer.url, *PLAIN, *FAST])
        main(["push", peer.url, *PLAIN])
    printed = capsys.readouterr()
    assert printed.out
    assert _foreign(printed, language) == []


def test_what_cannot_be_called_is_said_in_one_language(language: str, place: Path, capsys: Printed) -> None:
    for url in (
        "x",
        "http://",
        "http://a@b/",
        "http://127.0.0.1:0/",
        "http://0x7f.1/",
        "http://a b/",
        "http://-/",
    ):
        assert main(["push", url, *PLAIN]) == 2
    for url in ("http://127.0.0.1/", "http://169.254.169.254/", "http://10.0.0.1/", "http://224.0.0.1/"):
        main(["probe", url, *PLAIN[:-1], *FAST])
        main(["push", url, *PLAIN[:-1]])
    main(["probe", f"http://127.0.0.1:{closed_port()}/", *PLAIN, *FAST])
    main(["probe", f"https://127.0.0.1:{closed_port()}/", *PLAIN, *FAST])
    main(["push", "http://127.0.0.1/", "clik", *PLAIN])
    assert _foreign(capsys.readouterr(), language) == []
