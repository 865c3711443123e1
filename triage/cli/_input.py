"""How commands read texts."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from triage.alerts.parser import MAX_CHARACTERS
from triage.cli._language import gettext
from triage.cli._output import write
from triage.errors import InputError, reason_of
from triage.pictures.formats import MAX_BYTES, format_of

_MAX_BYTES = 4 * MAX_CHARACTERS
"""UTF-8 takes four bytes for a character at most."""
_ENCODINGS = ("utf-8-sig", "gb18030")


@dataclass(frozen=True, slots=True)
class Given:
    """What a command was given to read."""

    text: str
    is_picture: bool = False
    """Whether the text was read from a picture."""


def read_given(file: str | None) -> Given:
    """A text, or what a picture shows, from a file or standard input. Raises InputError and PictureError."""
    raw = read_bytes(file, max(_MAX_BYTES, MAX_BYTES))
    if format_of(raw) is None:
        return Given(_text_of(raw, file))
    from triage.pictures.reading import read_picture  # starts what few commands need

    return Given(read_picture(raw).text, is_picture=True)


def read_text(file: str | None) -> str:
    """A text from a file, or from standard input for `-` and None. Raises InputError."""
    return _text_of(read_bytes(file), file)


def _text_of(raw: bytes, file: str | None) -> str:
    if len(raw) > _MAX_BYTES:
        raise InputError(
            gettext(
                "the text is larger than {bytes:,} bytes; at most {characters:,} characters are read, "
                "send the alert alone",
                bytes=_MAX_BYTES,
                characters=MAX_CHARACTERS,
            )
        )
    return decode(raw, file or gettext("standard input"))


def decode(raw: bytes, file: str) -> str:
    """The text of a file in UTF-8, UTF-16 or GB 18030. Raises InputError for what is no text."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    if b"\0" in raw:
        raise InputError(gettext("{file} is no text: it holds NUL bytes", file=file))
    for encoding in _ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", errors="replace")


def read_batch() -> list[str]:
    """The texts of a JSON array on standard input. Raises InputError."""
    try:
        texts = json.loads(_read_standard_input())
    except (ValueError, RecursionError) as exc:
        raise InputError(
            gettext("--batch wants a JSON array of texts on standard input: {why}", why=exc)
        ) from exc
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InputError(gettext('--batch wants a JSON array of texts on standard input, like ["…", "…"]'))
    return texts


def read_bytes(file: str | None, limit: int = _MAX_BYTES) -> bytes:
    """At most one byte more than the limit, from a file, or from standard input for `-` and None. Raises InputError."""
    if file in (None, "-"):
        return _read_standard_input(limit + 1)
    try:
        with Path(str(file)).open("rb") as stream:
            return stream.read(limit + 1)
    except OSError as exc:
        raise InputError(gettext("cannot read {file}: {why}", file=file, why=reason_of(exc))) from exc


def _read_standard_input(limit: int = -1) -> bytes:
    """At most that many bytes; who sits before a terminal is told that it waits for them."""
    if sys.stdin.isatty():
        write(gettext("paste the text, then press Ctrl-D:"), err=True)
    return sys.stdin.buffer.read(limit)
