"""How commands read texts and get their adviser."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.alerts.parser import MAX_CHARACTERS
from triage.channels.registry import DEFAULT_CHANNEL
from triage.cli._language import gettext
from triage.cli._output import write
from triage.errors import InputError
from triage.rules.loader import load_rules, load_templates
from triage.settings.directories import data_directory, load_rules_dirs, load_sources

_MAX_BYTES = 4 * MAX_CHARACTERS
"""UTF-8 takes four bytes for a character at most."""
_ENCODINGS = ("utf-8-sig", "gb18030")


def make_adviser() -> Adviser:
    """The adviser with the bundled rules and those of the settings."""
    return Adviser(load_rules(load_rules_dirs(), load_sources().ids), make_renderer())


def make_renderer() -> Renderer:
    """The renderer with the bundled reply templates and sources."""
    return Renderer(
        load_templates(data_directory("templates") / "reply"),
        DEFAULT_CHANNEL.page_size,
        sources=load_sources(),
        on_broken=lambda name, error: write(f"templates/reply/{name}.txt: {error}", err=True),
    )


def read_text(file: str | None) -> str:
    """A text from a file, or from standard input for `-` and None. Raises InputError."""
    raw = _read_bytes(file)
    if len(raw) > _MAX_BYTES:
        raise InputError(
            gettext(
                "the text is larger than {bytes:,} bytes; at most {characters:,} characters are read, "
                "send the alert alone",
                bytes=_MAX_BYTES,
                characters=MAX_CHARACTERS,
            )
        )
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    if b"\0" in raw:
        raise InputError(
            gettext("{file} is no text: it holds NUL bytes", file=file or gettext("standard input"))
        )
    for encoding in _ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", errors="replace")


def read_batch() -> list[str]:
    """The texts of a JSON array on standard input. Raises InputError."""
    try:
        texts = json.loads(sys.stdin.buffer.read())
    except (ValueError, RecursionError) as exc:
        raise InputError(
            gettext("--batch wants a JSON array of texts on standard input: {why}", why=exc)
        ) from exc
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InputError(gettext('--batch wants a JSON array of texts on standard input, like ["…", "…"]'))
    return texts


def _read_bytes(file: str | None) -> bytes:
    if file in (None, "-"):
        return sys.stdin.buffer.read(_MAX_BYTES + 1)
    try:
        with Path(str(file)).open("rb") as stream:
            return stream.read(_MAX_BYTES + 1)
    except OSError as exc:
        raise InputError(gettext("cannot read {file}: {why}", file=file, why=exc.strerror)) from exc
