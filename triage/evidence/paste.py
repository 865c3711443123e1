"""A paste as the lines that a terminal printed: without quotes, prompts, chat heads and wide characters.

What a chat does to a terminal's text is undone line by line, and the commands before prompts are kept as hints.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

MAX_LINES = 3_000
"""Lines of a paste that are read; readers may look back from each of them."""
MAX_LINE = 4_000
"""Characters of a line that are read."""

_SIGNS = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "\xa0": " ", "\t": " ", "、": ","})
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
    def cpus(self) -> int | None:
        """The number of CPUs that the paste tells: `nproc`, `(4 CPU)`, `4 核`; None where it does not."""
        for match in _CPUS.finditer("\n".join(self.lines)):
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
    for raw in pasted:
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


def _plain(raw: str) -> str:
    """One line in half width, without quotation marks of a chat."""
    line = raw[:MAX_LINE].translate(_SIGNS)
    line = line if line.isascii() else unicodedata.normalize("NFKC", line)
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
