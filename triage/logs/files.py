"""The part of a log file that holds a span of time: found by bisection, or by streaming where it is compressed.

Lines stand in the order in which requests ended, but for what `buffer=` holds back: so the part is wider than the span.
copytruncate leaves runs of NUL bytes, also as holes without blocks: https://github.com/logrotate/logrotate/issues/34
"""

from __future__ import annotations

import gzip
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from triage.errors import LogFileError

Clock = Callable[[str], float | None]
"""When the request of a line ended, in seconds since 1970; None for a line that is none."""
Progress = Callable[[Path, int, int], None]
"""Told how many bytes of how many of a file have been read."""

BLOCK = 1 << 18
"""Bytes that are read at once; with their lines they are all that is held in memory."""
PROBE = 1 << 16
"""Bytes that a step of the bisection reads; nginx's longest line is shorter."""
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_MTIME_SLACK = 60.0
_SAMPLED = 9
"""Lines at either end of a block that tell its times."""
_HOLE = re.compile(rb"\0+")


class Span(NamedTuple):
    """A span of time, in seconds since 1970, both ends included."""

    start: float
    end: float

    def widened(self, seconds: float) -> Span:
        """The span with so much more on either side."""
        return Span(self.start - seconds, self.end + seconds)


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file with lines of an access log."""

    path: Path
    size: int
    modified: float
    """When it was last written, in seconds since 1970; a copy is younger than what it was copied from."""
    compression: str | None
    """`gzip` or `zstd`."""


class Block(NamedTuple):
    """Whole lines of a file."""

    text: str
    """The lines, joined."""
    has_hole: bool = False
    """NUL bytes stood among them: lines were lost."""


def open_log(path: Path) -> LogFile:
    """What kind of file it is. Raises LogFileError for what is no file, and OSError."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise LogFileError(path, "no_file")
    with path.open("rb") as file:
        head = file.read(len(_ZSTD))
    compression = "gzip" if head.startswith(_GZIP) else "zstd" if head == _ZSTD else None
    return LogFile(path, found.st_size, found.st_mtime, compression)


def sample(log: LogFile) -> tuple[list[str], list[str]]:
    """The lines at the beginning of a file and, where it is plain, those at its end."""
    if log.compression:
        try:
            head, _ = next(_decompressed(log, PROBE))
        except LogFileError as exc:
            if exc.reason != "damaged":
                raise
            head = b""
        return _lines(head)[: -1 if len(head) == PROBE else None], []
    with log.path.open("rb", buffering=0) as file:
        head = _read(file, _data_from(file, 0), PROBE)
        tail = _read(file, max(log.size - PROBE, 0), PROBE)
    return _lines(head)[: -1 if len(head) == PROBE else None], _lines(tail)[1 if log.size > PROBE else 0 :]


def read_span(
    log: LogFile, span: Span, disorder: float, reach: int, clock: Clock, progress: Progress
) -> Iterator[Block]:
    """The blocks of a file that may hold lines of the span.

    Lines may stand `disorder` seconds away from where their time belongs; in a plain file that is followed over `reach`
    bytes at most. Raises LogFileError where a compressed file is damaged, after the whole blocks before the damage.
    """
    wide = span.widened(disorder)
    if log.compression:
        if log.modified + _MTIME_SLACK >= wide.start:
            yield from _streamed(log, wide, clock, progress)
        return
    with log.path.open("rb", buffering=0) as file:
        begin, _ = _find(file, log.size, span.start, clock)
        _, end = _find(file, log.size, span.end, clock)
        first, _ = _find(file, begin, wide.start, clock)
        _, last = _find(file, log.size, wide.end, clock)
        yield from _between(file, max(first, begin - reach), min(last, end + reach), clock)


class _File(Protocol):
    """A file as the system knows it, without a buffer, whose place `_data_from` would upset."""

    def fileno(self) -> int: ...
    def seek(self, offset: int, /) -> int: ...
    def read(self, size: int, /) -> bytes | None: ...


def _read(file: _File, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size) or b""


def _data_from(file: _File, offset: int) -> int:
    """The offset, or the end of the hole in which it lies; the end of the file where no data follow."""
    if not hasattr(os, "SEEK_DATA"):
        return offset
    try:
        return os.lseek(file.fileno(), offset, os.SEEK_DATA)
    except OSError:
        return os.lseek(file.fileno(), 0, os.SEEK_END)


def _find(file: _File, size: int, moment: float, clock: Clock) -> tuple[int, int]:
    """Two offsets, close together, between which the lines begin to be of the moment or later."""
    low, high = 0, size
    while high - low > PROBE:
        middle = (low + high) // 2
        found = _next(file, middle, high, clock)
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = found[0]
    return low, min(high + PROBE, size)


def _next(file: _File, offset: int, limit: int, clock: Clock) -> tuple[int, float] | None:
    """The offset and the time of the first line with a time that begins behind one offset and before another."""
    position = _data_from(file, offset)
    while position < limit:
        data = _read(file, position, PROBE)
        start, stop = data.find(b"\n") + 1, data.rfind(b"\n") + 1
        begin = position + start
        for piece in data[start:stop].splitlines(keepends=True):
            if begin >= limit:
                return None
            ended = clock(_decoded(piece).strip("\n"))
            if ended is not None:
                return begin, ended
            begin += len(piece)
        if len(data) < PROBE:
            return None
        position = _data_from(file, position + (stop - 1 if stop > 1 else len(data)))
    return None


def _between(file: _File, start: int, stop: int, clock: Clock) -> Iterator[Block]:
    """The lines that begin between two offsets, the rest of a line before them left out."""
    position = max(start - 1, 0)
    rest = b""
    is_cut, is_leading = start > 0, start == 0
    while position < stop:
        has_hole = (data_from := _data_from(file, position)) > position
        read = _read(file, data_from, min(BLOCK, stop - position))
        if not read:
            break
        position = data_from + len(read)
        data = rest + (b"\0" if has_hole else b"") + read
        if is_cut:
            data, is_cut = data.partition(b"\n")[2], False
        if is_leading:
            data = data.lstrip(b"\0")
            is_leading = not data
        block, rest = _block(data)
        yield block
    last, newline, _ = (rest + _read(file, position, PROBE)).partition(b"\n")
    last = last.lstrip(b"\0") if is_leading else last
    text = _decoded(last)
    if newline or clock(text) is not None:
        yield Block(text, b"\0" in last)


def _block(data: bytes) -> tuple[Block, bytes]:
    """The whole lines of some bytes, and the bytes of the last one that is not whole yet."""
    cut = data.rfind(b"\n") + 1
    whole, rest = data[:cut].rstrip(b"\n"), data[cut:]
    return Block(_decoded(whole), b"\0" in whole), rest if len(rest) < BLOCK else b""


def _streamed(log: LogFile, wide: Span, clock: Clock, progress: Progress) -> Iterator[Block]:
    """The blocks of a compressed file from the span on, until one is wholly behind it."""
    rest = b""
    for read, position in _decompressed(log, BLOCK):
        progress(log.path, position, log.size)
        block, rest = _block(rest + (read or b"\n"))
        ends = (*block.text.split("\n", _SAMPLED), *block.text.rsplit("\n", _SAMPLED)[1:])
        times = [time for line in ends if (time := clock(line)) is not None]
        if times and min(times) > wide.end:
            return
        if not times or max(times) >= wide.start:
            yield block


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _decompressed(log: LogFile, size: int) -> Iterator[tuple[bytes, int]]:
    """The bytes of a compressed file, all its members one after another and `b""` at last, each with its place."""
    stream: _Stream
    damages: tuple[type[Exception], ...]
    with log.path.open("rb") as file:
        if log.compression == "gzip":
            stream, damages = gzip.GzipFile(fileobj=file), (EOFError, OSError, zlib.error)
        else:
            try:
                import zstandard
            except ImportError as exc:
                raise LogFileError(log.path, "no_zstd") from exc
            stream = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
            damages = (zstandard.ZstdError,)
        read = b"\n"
        while read:
            try:
                read = stream.read(size)
            except damages as exc:
                raise LogFileError(log.path, "damaged") from exc
            yield read, file.tell()


def _lines(data: bytes) -> list[str]:
    """The lines of some bytes; a run of NUL bytes ends one too."""
    return _decoded(data).split("\n")


def _decoded(data: bytes) -> str:
    return (_HOLE.sub(b"\n", data) if b"\0" in data else data).decode("utf-8", "replace")
