"""The registry of tools: one reader for each file, in the order in which they claim lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from triage.evidence.host import uptime, vmstat
from triage.evidence.judgement import Part
from triage.evidence.paste import Paste

Reader = Callable[[Paste], Iterator[Part]]
"""Yields a part for each output of its tool that it recognises, by at least two independent marks."""

READERS: tuple[Reader, ...] = (
    vmstat.read,
    uptime.read,
)
"""Of two parts that claim the same line the one with more lines is kept, then that of the earlier reader."""

TOOL_IDS: tuple[str, ...] = ("uptime", "vmstat")
"""The tools whose output is recognised."""
