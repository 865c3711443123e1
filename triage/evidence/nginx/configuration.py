"""An nginx configuration to its problems: of a main file with what it includes, of an `nginx -T`, of a part."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from itertools import islice
from posixpath import isabs, join
from posixpath import split as split_path

from triage.evidence.nginx.arrival import ARRIVAL
from triage.evidence.nginx.checks import CHECKS, Nginx, Version
from triage.evidence.nginx.problems import Problem, problem_of, problem_of_fault
from triage.evidence.nginx.refusals import REFUSALS
from triage.evidence.nginx.tree import Find, Source, Tree, read_tree

_MARKER = re.compile(r"^# configuration file (\S{1,300}):[ \t]*\r?\n", re.MULTILINE)
_VERSION = re.compile(
    r"^[ \t]*(?:#[^\n]{0,80}?\bnginx[ /]v?|nginx version: [a-z]+/)(\d{1,3})\.(\d{1,3})\.(\d{1,4})",
    re.MULTILINE,
)
_SAID = re.compile(r"^nginx(?: version)?: [^\n]*", re.MULTILINE)
"""What nginx itself says before a configuration."""
MAX_PROBLEMS = 500
"""Problems that are told."""
MAX_FILES = 1_000
"""Files of an `nginx -T` that are read."""


def judge_configuration(
    source: Source, find: Find | None = None, version: Version | None = None
) -> tuple[Problem, ...]:
    """The problems of a configuration in the order of its lines.

    An `nginx -T` has the included files in it; for other texts `find` reads them. Without a version of nginx it is
    the one that a line `nginx version: nginx/1.30.0` tells. Raises ConfigurationLimitError.
    """
    return judge_tree(tree_of(source, find), version or told_version(source[1]))


def tree_of(source: Source, find: Find | None = None) -> Tree:
    """The tree of a configuration, or of what `nginx -T` prints; `find` as above. Raises ConfigurationLimitError."""
    if sources := split_dump(source[1]):
        return read_tree(sources[0], _finder(sources))
    return read_tree((source[0], _SAID.sub("", source[1])), find or (lambda _: ()))


def judge_tree(tree: Tree, version: Version | None = None) -> tuple[Problem, ...]:
    """The problems of a tree, each place once, in the order of files and lines."""
    nginx = Nginx(tree, version)
    once = {each.place: each for check in (*CHECKS, *ARRIVAL, *REFUSALS) for each in check(nginx)}
    found = list(islice(once.values(), MAX_PROBLEMS))
    problems = [*map(problem_of_fault, tree.faults), *map(problem_of, found)]
    files = {name: order for order, name in enumerate(dict.fromkeys(each.file for each in problems))}
    return tuple(sorted(problems, key=lambda each: (files[each.file], each.line, each.id)))


def split_dump(text: str) -> tuple[Source, ...]:
    """The files of an `nginx -T`, the main one first; empty for a text without its marks."""
    marks = list(_MARKER.finditer(text))[:MAX_FILES]
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return tuple((mark[1], text[mark.end() : end]) for mark, end in zip(marks, ends, strict=False))


def told_version(text: str) -> Version | None:
    """The version of nginx that a text tells; None where it does not."""
    match = _VERSION.search(text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _finder(sources: tuple[Source, ...]) -> Find:
    """Finds included files among those of a dump."""
    directory, _ = split_path(sources[0][0])
    named = dict(sources[1:])

    def find(pattern: str) -> tuple[Source, ...]:
        whole = pattern if isabs(pattern) else join(directory, pattern)
        if whole in named:
            return ((whole, named[whole]),)
        depth = whole.count("/")
        return tuple(
            (name, text)
            for name, text in named.items()
            if name.count("/") == depth and fnmatchcase(name, whole)
        )

    return find
