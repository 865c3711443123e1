"""nginx configurations in a paste: what `nginx -T` prints, a file, or a part of one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from triage.errors import ConfigurationLimitError
from triage.evidence.judgement import Finding, Part, note, sick, suspect, unreadable
from triage.evidence.nginx.configuration import judge_configuration, told_version
from triage.evidence.nginx.problems import Problem, Severity
from triage.evidence.paste import Paste

_NAMES = (
    "access_log allow auth_basic client_max_body_size deny error_log error_page events fastcgi_\\w+ gzip http if "
    "include index keepalive keepalive_timeout limit_conn limit_conn_zone limit_req limit_req_zone listen load_module "
    "location log_format pid proxy_\\w+ real_ip_header return rewrite root sendfile server server_name "
    "set_real_ip_from ssl_certificate ssl_certificate_key ssl_protocols try_files upstream user uwsgi_\\w+ "
    "worker_connections worker_processes worker_rlimit_nofile"
)
_NAME = rf"(?P<name>{'|'.join(_NAMES.split())})(?=[ \t{{｛])"
_STATEMENT = re.compile(rf"(?:^|[;{{}}；｛｝])[ \t]*{_NAME}[^;{{}}；｛｝]{{0,2000}}[;{{；｛]", re.MULTILINE)
_BEGINS = re.compile(rf"[ \t]*(?:{_NAME}|# configuration file \S+:$)")
_ENDS = re.compile(r"[;{}；｛｝][ \t]*(?:(?:#|//).*)?$")
_OTHER = re.compile(r"\s*(?:\d|\[|[A-Za-z]+:|.*[$#>] nginx )")
_PASSED_TEST = re.compile(r"\s*nginx: (?:the )?configuration file \S+ (?:syntax is ok|test is successful)")
_QUOTE = re.compile(r"^(?:\s*[>＞]\s?)+")
_NEEDS_VERSION = frozenset({"no_upstream_keepalive", "keepalive_ineffective"})
"""What a version of nginx decides; a paste seldom tells it."""
_BLOCKS = frozenset({"http", "server", "location", "upstream"})
_MANY = 5
"""Different directives that make a text a configuration though it has no block of http: fewer are a question."""


def directives_in(text: str) -> frozenset[str]:
    """The names of nginx's directives that begin a statement in a text."""
    return frozenset(match["name"] for match in _STATEMENT.finditer(text))


def read(paste: Paste) -> Iterator[Part]:
    """One part for all that is configuration in a paste; its lines are counted as those of the paste."""
    if not any("{" in line or ";" in line for line in paste.lines):
        return
    raw = [_QUOTE.sub("", line) for line in paste.raw]
    lines = dict.fromkeys(_lines(raw))
    text = "\n".join(line if index in lines else "" for index, line in enumerate(raw))
    names = directives_in(text)
    if len(names) >= _MANY or (len(names) > 1 and not names.isdisjoint(_BLOCKS)):
        yield Part("nginx_config", tuple(_judge(text, "\n".join(raw))), tuple(lines))


def _lines(raw: list[str]) -> Iterator[int]:
    """The indices of the lines that are configuration."""
    depth, is_open, is_inside = 0, False, False
    for index, line in enumerate(raw):
        if _PASSED_TEST.match(line):
            yield index
            continue
        begins, ends = _BEGINS.match(line), _ENDS.search(line)
        if not is_inside:
            is_inside = bool(
                begins and (ends or line.lstrip()[:1] == "#" or line.lstrip().startswith("log_format"))
            )
            depth, is_open = 0, False
        elif line.strip() and not (begins or ends or is_open or line.lstrip()[:1] == "#"):
            is_inside = depth > 0 and not _OTHER.match(line)
        if not is_inside:
            continue
        yield index
        if line.strip() and line.lstrip()[:1] != "#":
            depth = max(0, depth + sum(map(line.count, "{｛")) - sum(map(line.count, "}｝")))
            is_open = not ends


def _judge(text: str, paste: str) -> Iterator[Finding]:
    version = told_version(paste)
    try:
        problems = judge_configuration(("", text), version=version)
    except ConfigurationLimitError as exc:
        yield unreadable("truncated", f"配置太大，只读到 {exc.limit:,}（{exc.what}）")
        return
    kept = [
        each
        for each in problems
        if each.id != "config_invalid" and (version or each.id not in _NEEDS_VERSION)
    ]
    yield from findings_of(kept)
    if not kept and any(each.id == "config_invalid" for each in problems):
        yield unreadable("truncated", "括号或分号不成对，配置没有粘全")


def findings_of(problems: Sequence[Problem]) -> Iterator[Finding]:
    """One finding for all problems of an id, with the place of the first."""
    for id_ in dict.fromkeys(each.id for each in problems):
        alike = [each for each in problems if each.id == id_]
        yield _finding(alike[0], len(alike) - 1)


def _finding(first: Problem, more: int) -> Finding:
    place = f"{first.file}:{first.line}" if first.file else f"第 {first.line} 行"
    fix = f" → {first.fix}" if first.fix else ""
    others = f"；另有 {more} 处" if more else ""
    make = {Severity.CRITICAL: sick, Severity.LOW: note, Severity.INFO: note}.get(first.severity, suspect)
    return make(first.id, f"{place} {first.shows}{fix}{others}")
