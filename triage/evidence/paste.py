"""A paste as the lines that a terminal printed: without quotes, prompts, chat heads and wide characters.

What a chat does to a terminal's text is undone line by line, and the commands before prompts are kept as hints.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

MAX_LINES = 3_000
"""Lines of a paste that are read; readers may look back from each of them."""
MAX_LINE = 4_000
"""Characters of a line that are read."""

_SIGNS = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\xa0": " ", "\t": " ", "、": ","})
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#39|#34|#x27);")
_BAR = re.compile(r"^[ \t]*[|│┃▎▏](?:[ \t]|$)")
_ENDS_LIKE_A_TABLE = re.compile(r"[|+][ \t]*$")
_NUMBERED = re.compile(r"^[ \t]*(\d{1,5})(?:[:|\t]| {1,4})[ \t]?")
_LEAST_NUMBERED = 3
_QUOTE = re.compile(r"^(?:\s*[>＞]\s?)+")
_BRACKET_QUOTE = re.compile(r"^\s*「(?:[^「」:：]{1,24}[:：]\s*)?")
_FENCE = re.compile(r"^\s*```\w*\s*$")
_CHAT_HEAD = re.compile(
    r"^\s*(?:[—─]{2,}.*|(?:[-—] ){4,}[-—]?|[-=]{5,}"
    r"|\S{1,24}\s{1,4}(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\s+)?\d{1,2}:\d{2}(?::\d{2})?)\s*$"
)
"""A line of the chat: a rule, or a name with a time."""
_PROMPT = re.compile(
    r"^\s*(?:"
    r"\[[\w.-]+@[\w.-]+ [^\]\n]{1,80}\][#$]"  # [root@web1 ~]#
    r"|(?:\([\w.-]+\) )?[\w.-]+@[\w.-]+:[^#$\n]{1,80}[#$]"  # user@host:~$
    r"|PS [A-Za-z]:\\[^>\n]{0,120}>|[A-Za-z]:\\[^>\n]{0,120}>"  # PS C:\>, C:\Users\x>
    r"|(?:bash|sh|zsh)-\d\.\d[#$%]"
    r"|(?:~|/[\w./-]{0,60}) [#$](?=\s)"  # / # of busybox
    r"|➜\s+\S{1,40}(?: git:\(\S{1,40}\))?(?: ✗)?(?=\s)"
    r")\s*(?P<command>.*)$"
)
_BARE_PROMPT = re.compile(r"^\s*[#$%]\s+(?P<command>[a-z/.][\w./-]*(?:\s.*)?)$")
_ECHOED = re.compile(
    r"^\s*(?P<command>(?:sudo\s+)?(?:uptime|w|vmstat|top|free|mpstat|sar|iostat|df|ulimit"
    r"|cat /(?:proc|sys)/\S+|grep|ss|netstat"
    r"|nstat|dmesg|ping|mtr|traceroute|tracert|dig|nslookup|host|curl|openssl|nginx|tail|mysql|jstack|nproc)"
    r"(?:\s+[-\w/.@:|'\"{}$+=,!<>&;()\[\]*^?%]+)*)\s*$"
)
_CPUS = re.compile(
    r"\((\d{1,4}) CPU\)|(?:^|\s)nproc\s+(\d{1,4})\b|grep -c \^?processor /proc/cpuinfo\s+(\d{1,4})\b"
    r"|(?:^|\n)CPU\(s\):\s+(\d{1,4})\b|(?<!\d)(\d{1,4})\s*核"
)


@dataclass(frozen=True)
class Paste:
    """The lines of a paste, each with the command that was typed before it."""

    lines: tuple[str, ...]
    """Half width, without what a chat adds; a line of the chat alone is empty. Indices are those of the pasted text."""
    commands: tuple[str, ...]
    """For each line the last command before it, `""` where none was seen."""
    raw: tuple[str, ...] = ()
    """The lines as they were pasted, for what full width itself shows."""

    @cached_property
    def text(self) -> str:
        """The lines as one text, for a cheap look at what may be in it."""
        return "\n".join(self.lines)

    def has(self, *words: str) -> bool:
        """Whether one of some words stands in it."""
        return any(map(self.text.__contains__, words))

    @cached_property
    def cpus(self) -> int | None:
        """The number of CPUs that the paste tells: `nproc`, `(4 CPU)`, `4 核`; None where it does not."""
        for match in _CPUS.finditer(self.text):
            count = int(next(filter(None, match.groups())))
            if 0 < count <= 4096:
                return count
        return None


def read_paste(text: str) -> Paste:
    """The lines of a paste, undamaged as far as that needs no guess; at most MAX_LINES are read."""
    lines: list[str] = []
    commands: list[str] = []
    command = ""
    pasted = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:MAX_LINES]
    for raw in _without_margin(pasted):
        line = _plain(raw)
        if _FENCE.match(line) or _CHAT_HEAD.match(line):
            line, command = "", ""
        prompt = _PROMPT.match(line) or _BARE_PROMPT.match(line)
        typed = prompt or _ECHOED.match(line)
        if typed:
            command = typed["command"].strip()
            line = command
        lines.append(line)
        commands.append(command)
    return Paste(tuple(lines), tuple(commands), tuple(pasted))


def _without_margin(lines: list[str]) -> list[str]:
    """The lines without what stands before each of them: a bar of a quotation, or the numbers of an editor."""
    written = [line for line in lines if line.strip()]
    first = written[0].lstrip()[:1] if written else ""
    if first and first in "|│┃▎▏" and all(map(_BAR.match, written)):
        is_table = sum(map(bool, map(_ENDS_LIKE_A_TABLE.search, written))) > len(written) / 2
        return lines if is_table else [_BAR.sub("", line) for line in lines]
    if len(written) < 2:
        return lines
    if first.isdigit() and _is_counted(written):
        return [_NUMBERED.sub("", line) for line in lines]
    indent = min(len(line) - len(line.lstrip(" \t")) for line in written)
    return [line[indent:] for line in lines] if indent else lines


def _is_counted(lines: list[str]) -> bool:
    """Whether the lines are numbered one after another, empty ones perhaps left out."""
    if len(lines) < _LEAST_NUMBERED and not lines[0].lstrip().startswith("1"):
        return False
    numbers = [int(match[1]) if (match := _NUMBERED.match(line)) else -1 for line in lines]
    return numbers[0] >= 0 and all(0 < after - before <= 3 for before, after in pairwise(numbers))


def _plain(raw: str) -> str:
    """One line in half width, without quotation marks of a chat and what a web page adds."""
    line = raw[:MAX_LINE].translate(_SIGNS)
    if "&" in line:
        line = _ENTITY.sub(lambda match: html.unescape(match[0]).replace("\xa0", " "), line)
    line = line if line.isascii() else unicodedata.normalize("NFKC", _INVISIBLE.sub("", line))
    line = _QUOTE.sub("", line)
    if "「" in line or "」" in line:
        line = _BRACKET_QUOTE.sub("", line).rstrip().removesuffix("」")
    return line.rstrip()


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a paste, with the index of its line."""

    text: str
    line: int


def tokens(paste: Paste, start: int, end: int) -> Iterator[Token]:
    """The words of the lines from `start` to before `end`, in order: a table may be folded anywhere."""
    for index in range(start, min(end, len(paste.lines))):
        for word in paste.lines[index].split():
            yield Token(word, index)
