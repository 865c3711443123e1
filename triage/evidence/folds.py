"""Other readings of a paste in which no tool was recognised: lines that a terminal's width broke, and all on one line.

They are guesses, so they are tried only where the text as it stands says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LEAST_WIDTH, _MAX_WIDTH = 40, 250
"""Columns of a terminal or of a chat's lines."""
_LONG = 80
"""Characters of a line that may have been several."""
_FEW_CHINESE = 1.4
"""Bytes for each character."""
_LEAST_LINES = 2
"""Of more lines the first may be longer: a name stands before it."""
_MAX_LINES = 3_000
_STATES = r"(?:LISTEN|ESTAB|[A-Z]{3,5}-(?:WAIT|SENT|RECV|ACK)(?:-\d)?)"
_BEGINNINGS = (
    rf"{_STATES} +\d+ +\d+ +\S+:",
    r"(?:tcp|udp)6? +\d+ +\d+ +\S+:",
    r"State +Recv-Q|Proto +Recv-Q|Netid +State|Active Internet|TCP: +\d+ \(",
    r"; <<>> DiG|;; |; \(\d|;\S+\. +IN |\S+\. +\d+ +IN +(?:A|AAAA|CNAME) ",
    r"(?:Server|Address|Name|服务器|名称|地址): |Non-authoritative|非权威应答|\*\* server|\*{3} \S",
    r"[*] [A-Z]|[<>] [A-Z][\w-]+[: /]|curl: \(\d|HTTP/[\d.]+ \d{3} |(?:Date|Connection|Content-\w+): |<html>",
    r"nginx: (?:\[|the conf|conf)|\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[",
    r"\+-{2,}[-+]*\+|\| *(?:\d+|Id) +\||\*{5,} \d+\. row|(?:Id|User|Host|db|Command|Time|State|Info): ",
    r"(?:/dev/\S+|tmpfs|overlay|udev) +(?:\w+ +)?[\d.]+[KMGT]? |(?:Filesystem|文件系统) ",
    r"Max [a-z]|Mem(?:Total|Free|Available): |Swap(?:Total|Free): |Buffers: |Cached: ",
    r"\d\d:\d\d:\d\d(?: [AP]M)? +(?:all|\d+|CPU|runq-sz|IFACE|[a-z]+\d) |\d\d时\d\d分\d\d秒 |Average: |平均时间: ",
    r"avg-cpu: |Device:? |(?:[shv]d[a-z]\d?|nvme\S+|loop\d+|dm-\d+) +\d|(?<=%idle )\d|Linux \S+ \(",
    r"\d+\.\|-- |HOST: ",
    r"CONNECT(?:ED\(|ION EST)|depth=\d|verify (?:error|return)|--- |Verif(?:y return code|ication)|subject=|New, ",
    r"Protocol version: |Ciphersuite: |Peer certificate: |Hash used: |Signature type: |no peer cert",
    r"\d+ (?:times the listen|SYNs to LISTEN|segments )|(?:TcpExt|Tcp|Ip)(?:[A-Z]\w+ +\d+ |: )",
    r"server accepts|(?<=requests )\d|Reading: |CPU: +\d+% usr|Load average: ",
)
_BEGINNING = re.compile(rf"(?<=\s)(?={'|'.join(_BEGINNINGS)})")
_HOPS = re.compile(r"(?<=\s)(?=\d{1,2} +(?:\*|\d+\.\d+\.\d+\.\d+ ))")


@dataclass(frozen=True, slots=True)
class Fold:
    """A text with other line breaks."""

    text: str
    lines: tuple[tuple[int, ...], ...]
    """For each of its lines those of the paste that it was made of."""


def readings(text: str) -> Iterator[Fold]:
    """The readings that a text may have, the likelier first; none for most."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:_MAX_LINES]
    if joined := _joined(lines):
        yield joined
    if any(len(line) >= _LONG and _is_of_a_program(line) for line in lines) and (broken := _broken(lines)):
        yield broken


def _is_of_a_program(line: str) -> bool:
    """Whether a line is hardly Chinese, and more than words."""
    return len(line.encode()) < _FEW_CHINESE * len(line) and any(map(str.isdigit, line))


def _joined(lines: list[str]) -> Fold | None:
    """The lines that are as long as a terminal is wide, each with what follows it."""
    longest = max(map(len, lines[1:] if len(lines) > _LEAST_LINES else lines), default=0)
    if not _LEAST_WIDTH <= longest <= _MAX_WIDTH:
        return None
    full = [line for line in lines[:-1] if len(line) >= longest]
    if not any(map(_is_of_a_program, full)):
        return None
    texts: list[str] = []
    made_of: list[list[int]] = []
    for index, line in enumerate(lines):
        if index and len(lines[index - 1]) >= longest and line.strip():
            texts[-1] += line
            made_of[-1].append(index)
        else:
            texts.append(line)
            made_of.append([index])
    return Fold("\n".join(texts), tuple(map(tuple, made_of))) if len(texts) < len(lines) else None


def _broken(lines: list[str]) -> Fold | None:
    """The long lines, broken before whatever begins a line of some tool's output."""
    texts: list[str] = []
    made_of: list[tuple[int, ...]] = []
    for index, line in enumerate(lines):
        pieces = _BEGINNING.split(line) if len(line) >= _LONG else [line]
        if "hops max" in line:
            pieces = [hop for piece in pieces for hop in _HOPS.split(piece)]
        texts += pieces
        made_of += [(index,)] * len(pieces)
    return Fold("\n".join(texts), tuple(made_of)) if len(texts) > len(lines) else None
