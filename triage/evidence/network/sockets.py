"""ss, netstat, ss -s and counts of TCP states. https://man7.org/linux/man-pages/man8/ss.8.html

For a listening socket Recv-Q is what waits for accept, Send-Q the backlog; netstat prints 0 for the latter.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from triage.evidence.judgement import Finding, Part, sick, suspect, unreadable
from triage.evidence.paste import Paste
from triage.wording import Wording

_STATES = {
    "ESTAB": "ESTABLISHED", "ESTABLISHED": "ESTABLISHED", "TIME_WAIT": "TIME_WAIT", "ITMED_WAIT": "TIME_WAIT",
    "CLOSE_WAIT": "CLOSE_WAIT", "SYN_RECV": "SYN_RECV", "SYN_RECEIVED": "SYN_RECV", "SYN_SENT": "SYN_SENT",
    "LAST_ACK": "LAST_ACK", "FIN_WAIT1": "FIN_WAIT1", "FIN_WAIT_1": "FIN_WAIT1", "FIN_WAIT2": "FIN_WAIT2",
    "FIN_WAIT_2": "FIN_WAIT2", "CLOSING": "CLOSING", "LISTEN": "LISTEN", "LISTENING": "LISTEN", "CLOSE": "CLOSE",
    "UNCONN": "CLOSE", "CLOSED": "CLOSE",
}  # fmt: skip
_WORD = r"[A-Z][A-Z_-]{2,11}[12]?"
_COUNT = re.compile(rf"^\s*(?:(?P<state>{_WORD})[\s:=]+(?P<n>\d+)|(?P<m>\d+)\s+(?P<name>{_WORD}))\s*$")
_PAIR = re.compile(rf"({_WORD})[\s:=]+(\d+)(?=\s|$|,)")
_ANY_STATE = re.compile(r"ESTAB|_WAIT|-WAIT|SYN[_-]|LISTEN|LAST[_-]ACK|CLOS[EI]|UNCONN")
_ENDPOINT = re.compile(r"[\d*\]]:(?:\d+|\*)(?!\S)")
_NUMBER_FIRST = re.compile(rf"(?<!\S)(\d+)\s+({_WORD})(?=\s|$|,)")
_SS_HEAD = re.compile(r"\bState\s+Recv-Q\s+Send-Q\b")
_NETSTAT_HEAD = re.compile(r"\bProto\s+Recv-Q\s+Send-Q\b|^\s*(?:协议|Proto)\s+(?:本地地址|Local Address)")
_NETSTAT_TITLE = re.compile(r"Active Internet connections|激活Internet连接|活动连接|Active Connections")
_SS_ROW = re.compile(
    r"^\s*(?:(?:tcp|udp|u_str)\s+)?(?P<state>[A-Z][A-Z0-9-]{2,12})\s+(?P<recv>\d+)\s+(?P<send>\d+)\s+(?P<local>\S+:\S+)"
)
_SS_ALONE = re.compile(_SS_ROW.pattern + r"\s+\S+:\S+")
_NETSTAT_ROW = re.compile(
    r"^\s*(?:tcp|udp|TCP|UDP)[46]?\s+(?:(?P<recv>\d+)\s+(?P<send>\d+)\s+)?(?P<local>\S+:\S+)\s+(?P<peer>\S+)(?:\s+(?P<state>[A-Z][A-Z0-9_-]{2,12}))?"
)
_PICKED = re.compile(
    r"\b(?:ss|netstat)\b.*?(?P<state>close[-_]wait|syn[-_]recv|syn[-_]sent|time[-_]wait|established|estab|last[-_]ack)\b"
    r".*(?:\bwc\s+-l|\bgrep\s+-\w*c)",
    re.IGNORECASE,
)
"""A command that counts the connections in one state; its answer is a number alone."""
_FILTERED = re.compile(r"\bgrep\b|\bsport\b|\bdport\b|\bstate\s+\w|\bhead\b|\btail\b|\bawk\b")
_BROKEN_LINES = 2
"""Lines that the rest of a folded row may take before the next one."""
_LEAST_ROWS = 2
"""Rows without their header that are a list: of one alone the command must tell."""
_SUMMARY = re.compile(r"^\s*TCP:\s+(\d+)\s+\((.*)\)")
_WEB = (":80", ":443", ":8080", ":http", ":https")


def read(paste: Paste) -> Iterator[Part]:
    """One part for each list, summary or count."""
    claimed: set[int] = set()
    for part in (*_summaries(paste), *_lists(paste)):
        claimed.update(part.lines)
        yield part
    if _ENDPOINT.search(paste.text):
        yield from _headless(paste, claimed)
    if _ANY_STATE.search(paste.text):
        yield from _counts(paste, claimed)
    if any(paste.commands):
        yield from _picked(paste)


def _counts(paste: Paste, claimed: set[int]) -> Iterator[Part]:
    counts: Counter[str] = Counter()
    lines: list[int] = []
    for index, line in enumerate(paste.lines):
        match = _COUNT.match(line) if index not in claimed else None
        name = (match["state"] or match["name"]).replace("-", "_") if match else ""
        if match and name in _STATES:
            counts[_STATES[name]] += int(match["n"] or match["m"])
            lines.append(index)
        elif index not in claimed and len(pairs := _pairs(line)) >= 2:
            known = [(s.replace("-", "_"), n) for s, n in pairs if s.replace("-", "_") in _STATES]
            if len(known) == len(pairs):
                for state, number in known:
                    counts[_STATES[state]] += int(number)
                lines.append(index)
    marked = any(re.search("[-_]", paste.lines[i]) for i in lines)
    if len(counts) >= 2 or (len(lines) == 1 and marked):
        yield Part("tcp_states", tuple(judge_states(counts)), tuple(lines))


def _picked(paste: Paste) -> Iterator[Part]:
    """The number that a command counted of one state."""
    for index, line in enumerate(paste.lines[:-1]):
        asked = _PICKED.search(line)
        answer = re.fullmatch(r"\s*(\d+)\s*", paste.lines[index + 1]) if asked else None
        if asked and answer and line == paste.commands[index]:
            state = _STATES[asked["state"].upper().replace("-", "_")]
            yield Part("tcp_states", tuple(judge_states({state: int(answer[1])})), (index, index + 1))


def _pairs(line: str) -> list[tuple[str, str]]:
    """States and their numbers on one line, whichever of the two stands first."""
    if _ENDPOINT.search(line):
        return []
    numbers_first = [
        (state, number) for number, state in _NUMBER_FIRST.findall(line) if state.replace("-", "_") in _STATES
    ]
    states_first: list[tuple[str, str]] = _PAIR.findall(line)
    return numbers_first if len(numbers_first) > len(states_first) else states_first


def judge_states(counts: Mapping[str, int]) -> Iterator[Finding]:
    """What the numbers of connections in each state say."""
    yield from _many(counts, "CLOSE_WAIT", "close_wait", 100, 10)
    yield from _many(counts, "SYN_RECV", "syn_recv_many", 100, 20)
    yield from _many(counts, "SYN_SENT", "syn_sent_many", 100, 10)
    yield from _many(counts, "TIME_WAIT", "time_wait_many", None, 20_000)
    yield from _many(counts, "ESTABLISHED", "estab_many", None, 10_000)
    if counts.get("LAST_ACK", 0) >= 100 or counts.get("FIN_WAIT1", 0) >= 500:
        yield suspect(
            "last_ack_many",
            Wording(
                "LAST_ACK {last_ack}，FIN_WAIT1 {fin_wait}",
                last_ack=counts.get("LAST_ACK", 0),
                fin_wait=counts.get("FIN_WAIT1", 0),
            ),
        )


def _many(counts: Mapping[str, int], state: str, id_: str, hard: int | None, soft: int) -> Iterator[Finding]:
    number = counts.get(state, 0)
    if number >= soft:
        yield (sick if hard is not None and number >= hard else suspect)(id_, f"{state} {number}")


def _summaries(paste: Paste) -> Iterator[Part]:
    for index, line in enumerate(paste.lines):
        if (match := _SUMMARY.match(line)) and "estab" in match[2]:
            values = {name: int(number) for name, number in re.findall(r"([a-z]+) (\d+)", match[2])}
            lines = [index]
            lines += [index - 1] if index and paste.lines[index - 1].startswith("Total:") else []
            for after in range(index + 1, min(index + 9, len(paste.lines))):
                if not paste.lines[after].strip() or re.match(
                    r"^\s*(?:Transport|\*|RAW|UDP|TCP|INET|FRAG)\b|^\*", paste.lines[after]
                ):
                    lines.append(after)
            states = {
                "SYN_RECV": values.get("synrecv", 0), "TIME_WAIT": values.get("timewait", 0),
                "ESTABLISHED": values.get("estab", 0),
            }  # fmt: skip
            findings = list(judge_states(states))
            if values.get("orphaned", 0) >= 1000:
                findings.append(suspect("orphaned_many", f"orphaned {values['orphaned']}"))
            yield Part("ss_summary", tuple(findings), tuple(sorted(lines)))


def _lists(paste: Paste) -> Iterator[Part]:
    for tool, head, row in (("ss", _SS_HEAD, _SS_ROW), ("netstat", _NETSTAT_HEAD, _NETSTAT_ROW)):
        for start in [i for i, line in enumerate(paste.lines) if head.search(line)]:
            rows: list[tuple[int, re.Match[str]]] = []
            for index in range(start + 1, len(paste.lines)):
                match = row.match(paste.lines[index])
                if match is None:
                    ahead = paste.lines[index + 1 : index + 1 + _BROKEN_LINES]
                    is_folded = any(map(row.match, ahead))
                    if (
                        paste.lines[index].strip()
                        and not paste.lines[index].startswith("  ")
                        and not is_folded
                    ):
                        break
                    continue
                rows.append((index, match))
            if not rows and not _NETSTAT_TITLE.search(" ".join(paste.lines[max(0, start - 1) : start])):
                continue
            title = [start - 1] if start and _NETSTAT_TITLE.search(paste.lines[start - 1]) else []
            lines = (*title, start, *(index for index, _ in rows))
            whole = not _FILTERED.search(paste.commands[start])
            yield Part(tool, tuple(_judge_list(tool, [match for _, match in rows], whole=whole)), lines)


def _headless(paste: Paste, claimed: set[int]) -> Iterator[Part]:
    """Rows that grep or -H left without their header, which are never all that listens."""
    for tool, row in (("ss", _SS_ALONE), ("netstat", _NETSTAT_ROW)):
        found = [
            (i, m)
            for i, line in enumerate(paste.lines)
            if i not in claimed and (m := row.match(line)) and m["recv"] is not None
        ]
        rows = [(i, m) for i, m in found if (m["state"] or "").replace("-", "_") in _STATES]
        if len(rows) >= _LEAST_ROWS or (rows and re.search(rf"\b{tool}\b", paste.commands[rows[0][0]])):
            claimed.update(i for i, _ in rows)
            yield Part(
                tool, tuple(_judge_list(tool, [m for _, m in rows], whole=False)), tuple(i for i, _ in rows)
            )


def _judge_list(tool: str, rows: list[re.Match[str]], *, whole: bool) -> Iterator[Finding]:
    listening = [m for m in rows if (m["state"] or "").startswith("LISTEN")]
    for match in listening:
        waiting, backlog = int(match["recv"] or 0), int(match["send"] or 0)
        if tool == "ss" and waiting >= backlog > 0:
            yield sick(
                "listen_queue_full",
                Wording(
                    "{local} 排队 {waiting}，上限 {backlog}",
                    local=match["local"],
                    waiting=waiting,
                    backlog=backlog,
                ),
            )
            break
    only_listening = whole and listening and len(listening) == len([m for m in rows if m["state"]])
    if only_listening and not any(m["local"].endswith(_WEB) for m in listening):
        yield sick("no_web_listener", Wording("{count} 个监听，没有 80、443、8080", count=len(listening)))
    if rows and tool == "netstat" and not any(m["state"] for m in rows if m[0].lstrip()[:3].lower() == "tcp"):
        if any(m[0].lstrip()[:3].lower() == "tcp" for m in rows):
            yield unreadable("truncated", Wording("没有状态一列"))
        return
    counts = Counter(_STATES.get((m["state"] or "").replace("-", "_"), "") for m in rows)
    yield from judge_states(counts)
