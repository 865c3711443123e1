"""nginx -t. [emerg] means that the next reload fails although the old workers still serve."""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.evidence.judgement import Finding, Part, sick, suspect, unreadable
from triage.evidence.paste import Paste

_LINE = re.compile(
    r"^\s*nginx: (?:\[(\w+)\] (.*)|(?:the )?configuration file \S+ (?:syntax is ok|test (?:is successful|failed)))"
)
_LOGGED = re.compile(r"^\s*\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(emerg|alert|warn)\] \d+#\d+: (.*)")
"""What the test says once it has read where to log to: it is printed in the form of the log."""
_ROOT = re.compile(r"\(13: Permission denied\)|the \"user\" directive makes sense only if")
_FULLWIDTH = re.compile(r"[；，“”：｛｝（）]")


def read(paste: Paste) -> Iterator[Part]:
    """One part for all lines of the test."""
    found = [(i, m) for i, line in enumerate(paste.lines) if (m := _LINE.match(line))]
    if not found:
        return
    last = found[-1][0]
    first = found[0][0]
    while first and _LOGGED.match(paste.lines[first - 1]):
        first -= 1
    near = range(first, min(last + 2, len(paste.lines)))
    found += [(i, m) for i in near if (m := _LOGGED.match(paste.lines[i]))]
    lines = tuple(sorted(i for i, _ in found))
    raw = "\n".join(paste.raw)
    failed = next((m[0].strip()[:100] for _, m in found if m[0].endswith("test failed")), None)
    messages = [(m[1] or "", m[2] or "") for _, m in found if m.lastindex]
    yield Part("nginx_test", tuple(_judge(messages, raw, failed)), lines)


def _judge(messages: list[tuple[str, str]], raw: str, failed: str | None) -> Iterator[Finding]:
    errors = [text for level, text in messages if level in ("emerg", "alert", "crit", "error")]
    denied = [text for text in errors if _ROOT.search(text)]
    if denied and len(denied) == len(errors):
        yield unreadable("not_root", denied[0][:80])
        return
    if failed and not errors:
        yield sick("config_invalid", failed)
        return
    bad = [text for text in errors if text not in denied]
    if bad:
        yield sick("config_invalid", bad[0][:100])
        yield from _kinds(bad[0], raw)
    elif warnings := [text for level, text in messages if level == "warn" and not _ROOT.search(text)]:
        yield suspect("config_warning", warnings[0][:100])


def _kinds(text: str, raw: str) -> Iterator[Finding]:
    if re.search(r'unknown directive "//', text):
        yield sick("slash_comment", "用了 // 注释")
    elif re.search(r"directive is not allowed here", text) and re.search(
        r"log_format|access_log|upstream|server|location", text
    ):
        yield sick("outside_http", "指令不在 http 里")
    elif re.search(r"host not found in upstream", text):
        yield sick("upstream_name", "upstream 的名字解析不了")
    elif _FULLWIDTH.search(raw.partition("[emerg]")[2]):
        yield sick("fullwidth", "用了全角标点")
