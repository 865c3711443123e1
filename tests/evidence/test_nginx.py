"""nginx configurations: what loses, slows or hides pushes is found on its line, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import crossplane
import pytest

from tests.support.paths import DATA, ROOT
from triage.errors import ConfigurationLimitError
from triage.evidence.findings import FINDINGS
from triage.evidence.judge import judge
from triage.evidence.judgement import Verdict
from triage.evidence.nginx import configuration, tree
from triage.evidence.nginx.configuration import judge_configuration
from triage.evidence.nginx.problems import SEVERITIES, Severity
from triage.evidence.nginx.tree import Block, read_tree

RECORDS: list[dict[str, Any]] = [
    json.loads(line)
    for name in ("configs", "nginx")
    for line in (DATA / f"evidence/{name}.jsonl").read_text(encoding="utf-8").splitlines()
]
GOOD = RECORDS[0]["text"]
LOCATION = "location /wx { proxy_pass http://app; proxy_read_timeout 60s; }"


def found(text: str) -> list[tuple[str, int]]:
    return sorted((each.id, each.line) for each in judge_configuration(("nginx.conf", text)))


def files(sources: Mapping[str, str]) -> tree.Find:
    return lambda pattern: [(pattern, sources[pattern])] if pattern in sources else []


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{record['id']} {record['why']}")
def test_findings_and_lines_are_exact(record: dict[str, Any]) -> None:
    assert found(record["text"]) == sorted((each["id"], each["line"]) for each in record["findings"])


def test_every_finding_has_a_severity_words_and_a_configuration_that_shows_it() -> None:
    assert {each["id"] for record in RECORDS for each in record["findings"]} == SEVERITIES.keys()
    assert SEVERITIES.keys() <= FINDINGS.keys()


def ours(block: Block) -> list[Any]:
    return [
        (each.name, list(each.args), each.line, ours(each.block) if each.block else None)
        for each in block.directives
    ]


def theirs(statements: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    for each in statements:
        if each["directive"] != "include":
            block = list(theirs(each["block"])) if "block" in each else None
            yield each["directive"], each["args"], each["line"], block


COMPARED = [
    record["text"] for record in RECORDS if "if (" not in record["text"] and "_by_lua" not in record["text"]
]
REFUSED = {"slash_comment", "fullwidth", "config_invalid"}
COMPARED = [text for text in COMPARED if not REFUSED & {id_ for id_, _ in found(text)}]


@pytest.mark.parametrize(
    "text", [*COMPARED, *(path.read_text(encoding="utf-8") for path in (ROOT / "deploy").glob("*.conf"))]
)
def test_the_tree_is_that_of_crossplane(text: str, tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(text, encoding="utf-8")
    parsed = crossplane.parse(str(tmp_path / "nginx.conf"), single=True, check_ctx=False, check_args=False)
    assert ours(read_tree(("", text)).root) == list(theirs(parsed["config"][0]["parsed"]))


def test_our_own_sample_loses_nothing() -> None:
    problems = judge_configuration(("nginx.conf", (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")))
    assert [each.id for each in problems if each.severity in (Severity.CRITICAL, Severity.HIGH)] == []


def test_an_included_file_is_judged_in_its_place() -> None:
    sources = {"conf.d/wx.conf": f"server {{ listen 80; location.inc;\n{LOCATION} }}"}
    main = GOOD.replace("listen 80;", "listen 80; include wx.inc;").replace("proxy_read_timeout 4s;", "")
    problems = judge_configuration(("nginx.conf", main), files({"wx.inc": "\nproxy_read_timeout 9s;"}))
    assert [(each.id, each.file, each.line) for each in problems] == [("read_timeout_over_5s", "wx.inc", 2)]
    assert judge_configuration(("nginx.conf", main), files(sources)) == ()  # wx.inc may hold the timeout


DUMP = (
    "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n"
    "# configuration file /etc/nginx/nginx.conf:\n"
    "worker_rlimit_nofile 204800;\nevents { worker_connections 102400; }\n"
    "http {\n    include conf.d/*.conf;\n}\n\n"
    "# configuration file /etc/nginx/conf.d/wx.conf:\n"
    f"server {{\n    listen 80;\n    {LOCATION}\n}}\n\n"
    "# configuration file /etc/nginx/conf.d/more/other.conf:\nserver { listen 80; return 301 https://x; }\n"
)


def test_a_dump_is_judged_by_the_lines_of_its_files() -> None:
    problems = judge_configuration(("-", DUMP), version=(1, 30, 0))
    assert [(each.id, each.file, each.line) for each in problems] == [
        ("read_timeout_over_5s", "/etc/nginx/conf.d/wx.conf", 3)
    ]


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("nginx version: nginx/1.22.1 (Debian)", (1, 22, 1)), ("# nginx 1.30.0", (1, 30, 0)),
        ("nginx version: openresty/1.25.3.1", (1, 25, 3)), ('add_header Server "nginx/1.30.0";', None),
    ],
)  # fmt: skip
def test_the_version_is_read_where_nginx_tells_it(said: str, version: tuple[int, int, int] | None) -> None:
    assert configuration.told_version(f"{said}\n{GOOD}") == version
    assert found(f"{said}\n{GOOD}") == []


PASTES = {
    "a dump": (DUMP, "suspect", ["read_timeout_over_5s"]),
    "a location": (LOCATION, "suspect", ["read_timeout_over_5s"]),
    "quoted": ("\n".join(f"> {line}" for line in GOOD.splitlines()), "healthy", []),
    "on one line": (" ".join(GOOD.splitlines()), "healthy", []),
    "between words of a chat": (f"老李  20:15\n看看\n{GOOD}\n这样行吗", "healthy", []),
    "that loses pushes": (
        GOOD.replace("listen 80;", "listen 8080；"),
        "sick",
        ["fullwidth", "port_not_80_443"],
    ),
    "of bad habits": (
        GOOD.replace("listen 80;", "listen 80; proxy_buffering off;"),
        "healthy",
        ["buffering_off"],
    ),
    "that is cut": (GOOD[:-40], "unreadable", ["truncated"]),
    "that is too large": (
        "http {\n" + "a; " * 21_000 + "\nserver { listen 80; }",
        "unreadable",
        ["truncated"],
    ),
}


@pytest.mark.parametrize(("text", "verdict", "ids"), PASTES.values(), ids=PASTES)
def test_a_paste_is_judged(text: str, verdict: str, ids: list[str]) -> None:
    assert [part.as_json() for part in judge(text)] == [
        {"tool": "nginx_config", "verdict": verdict, "findings": ids}
    ]


def test_a_configuration_and_another_output_are_two_parts() -> None:
    uptime = "[root@web1 ~]# uptime\n 10:25:20 up 16:03,  2 users,  load average: 0.00, 0.01, 0.05"
    text = f"[root@web1 ~]# cat wx.conf\n{GOOD}\n{uptime}"
    assert [part.tool for part in judge(text)] == ["nginx_config", "uptime"]


@pytest.mark.parametrize(
    "text",
    [
        "回调路径把超时设短：proxy_connect_timeout 1s; proxy_read_timeout 4s; 对吗",
        "server { 是什么意思",
        "body { color: red; }\nif (a) { return 1; }",
        "worker_processes 16;\nworker_rlimit_nofile 102400;\nevents { worker_connections 102400; }\n这样配可以吗",
    ],
)
def test_words_about_a_configuration_are_none(text: str) -> None:
    assert judge(text) == ()


SECRETS = (
    "location /wx { proxy_pass http://bob:s3cr3tpass@10.0.0.1; proxy_read_timeout 60s; }",
    "location /wx { return 301 https://a.example/?token=s3cr3tpass; }",
    "location /wx {\n proxy_set_header Authorization “Basic s3cr3tpass”；\n proxy_read_timeout 4s;\n}",
    'location /wx {\n proxy_read_timeout 4s;\n // proxy_set_header X-Api-Key "s3cr3tpass";\n}',
    "location /wx {\n proxy_read_timeout 4s;\n // set $app_secret s3cr3tpass;\n}",
    'location /wx {\n if ($cookie_session = "s3cr3tpass") { set $a 1; }\n}',
    "location /wx {\n proxy_pass http://a; error_page 500 =200 /?sign=s3cr3tpass;\n}",
)


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_shown_nowhere(text: str) -> None:
    problems = judge_configuration(("nginx.conf", text))
    assert problems
    assert "s3cr3t" not in repr([each.as_json() for each in problems])
    assert "s3cr3t" not in repr(judge(text))


HOSTILE = {
    "blocks inside each other": "a{" * 500_000,
    "blocks that close": "a {\n" * 20_000 + "}" * 20_000,
    "only closing": "}" * 1_000_000,
    "a hundred thousand servers": "http {" + "server{}" * 100_000 + "}",
    "as many locations as are read": "http {server{" + "location /wx { proxy_pass http://a; }" * 7_400 + "}}",
    "one long line": "x" * 1_000_000,
    "many words": "a " * 500_000,
    "an open quote": "'" + "a " * 499_999,
    "open quotes of two kinds": "\"' " * 333_333,
    "open wide quotes": "“ ‘" * 333_333,
    "escapes": ' "\\' * 333_333,
    "comments of another language": "//\n" * 333_333,
    "open Lua": "a_by_lua_block {" + '"{' * 400_000,
    "includes": "include a*; " * 80_000,
    "files in a dump": "# configuration file a:\ninclude b*;\n" * 26_000,
    "names and conditions": "server { server_name "
    + "a " * 30_000
    + "if ($host = b) { return 301 http://c; }" * 1_500
    + "}",
    "a word of secrets": "// " + "token" * 190_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_ends_in_a_clear_answer(text: str) -> None:
    try:
        problems = judge_configuration(("nginx.conf", text))
    except ConfigurationLimitError as exc:
        assert exc.limit in (tree.MAX_CHARACTERS, tree.MAX_WORDS, tree.MAX_INCLUDES, tree.MAX_DEPTH)  # noqa: PT017
    else:
        assert len(problems) <= configuration.MAX_PROBLEMS + tree.MAX_FAULTS
    assert all(part.verdict in Verdict for part in judge(text))


def test_files_that_include_each_other_are_read_once() -> None:
    sources = {"a": "include b; listen 80;", "b": "include a; include b; listen 8080;"}
    assert [each.args for each in read_tree(("a", sources["a"]), files(sources)).root.directives] == [
        ("8080",),
        ("80",),
    ]


def test_what_doubles_with_each_include_is_not_read() -> None:
    sources = {f"x{n}": f"include x{n + 1}; include x{n + 1};" for n in range(30)}
    with pytest.raises(ConfigurationLimitError) as caught:
        read_tree(("x0", sources["x0"]), files(sources))
    assert caught.value.what == "includes"


@pytest.mark.parametrize(
    ("what", "text", "more"),
    [
        ("words", "a;" * (tree.MAX_WORDS // 2), "a;"),
        ("characters", "#" * tree.MAX_CHARACTERS, "#"),
        ("depth", "a {" * (tree.MAX_DEPTH - 1), "a {"),
        ("includes", "include a;" * tree.MAX_INCLUDES, "include a;"),
    ],
)
def test_a_text_is_read_up_to_its_limit(what: str, text: str, more: str) -> None:
    read_tree(("", text))
    with pytest.raises(ConfigurationLimitError) as caught:
        read_tree(("", text + more))
    assert caught.value.what == what


@pytest.mark.parametrize(("end", "is_refused"), [("4", True), ("5", False)])
def test_an_expression_made_to_take_for_ever_ends(end: str, is_refused: bool) -> None:
    ages = "(" * 8 + ".*" + ")*" * 8 + end  # what backtracks is not through with it in years
    condition = f'if ($http_user_agent ~ "{ages}") {{ return 403; }}'
    refusing = GOOD.replace("location = /wx {", f"location = /wx {{ {condition}")
    assert ("pushes_refused" in {id_ for id_, _ in found(refusing)}) is is_refused
