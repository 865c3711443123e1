"""How commands read an nginx configuration with the files that it includes."""

from __future__ import annotations

from collections.abc import Sequence
from glob import glob
from pathlib import Path

from triage.cli._input import decode, read_bytes
from triage.cli._language import gettext
from triage.errors import ConfigurationLimitError, InputError
from triage.evidence.nginx.configuration import judge_configuration, tree_of
from triage.evidence.nginx.problems import Problem
from triage.evidence.nginx.tree import MAX_CHARACTERS, MAX_DEPTH, MAX_INCLUDES, MAX_WORDS, Find, Source, Tree
from triage.evidence.services.nginx_config import directives_in

_MAX_BYTES = 4 * MAX_CHARACTERS
_BOM = b"\xef\xbb\xbf"


def read_configuration(conf: str | None) -> Source:
    """The name and text of a configuration; standard input for `-` and None. Raises InputError."""
    name = conf if conf not in (None, "-") else gettext("standard input")
    raw = read_bytes(conf, _MAX_BYTES)
    if len(raw) > _MAX_BYTES:
        raise too_large(name)
    text = decode(raw, name)
    return name, f"\ufeff{text}" if raw.startswith(_BOM) else text


def judge_nginx(conf: str | None) -> tuple[Source, tuple[Problem, ...]]:
    """A configuration and its problems, those of the files that it includes with them. Raises InputError."""
    source = read_configuration(conf)
    name, text = source
    if not directives_in(text):
        raise InputError(
            gettext("{file} is no nginx configuration: no directive of nginx is in it", file=name)
        )
    try:
        return source, tuple(judge_configuration(source, included_by(conf)))
    except ConfigurationLimitError as exc:
        raise too_large(exc.file or name) from exc


def read_nginx(conf: str) -> Tree:
    """The tree of a configuration with what it includes, or of a saved `nginx -T`. Raises InputError."""
    source = read_configuration(conf)
    try:
        return tree_of(source, included_by(conf))
    except ConfigurationLimitError as exc:
        raise too_large(exc.file or source[0]) from exc


def included_by(conf: str | None) -> Find:
    """Reads what an `include` names, relative to the main file: regular files alone, and none for standard input."""
    if conf in (None, "-"):
        return lambda _: ()
    directory = Path(str(conf)).parent

    def find(pattern: str) -> Sequence[Source]:
        names = sorted(glob(str(directory / pattern)))[:MAX_INCLUDES]  # noqa: PTH207 - Path.glob takes no absolute one
        return tuple(read_configuration(name) for name in names if Path(name).is_file())

    return find


def too_large(name: str) -> InputError:
    """Says what is read at most."""
    return InputError(
        gettext(
            "{file} is larger than is read: {characters:,} characters, {words:,} words, {includes:,} includes, "
            "{depth} blocks or files inside each other",
            file=name,
            characters=MAX_CHARACTERS,
            words=MAX_WORDS,
            includes=MAX_INCLUDES,
            depth=MAX_DEPTH,
        )
    )
