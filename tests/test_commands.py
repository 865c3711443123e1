"""docs/commands.md: every example is run in order, as it stands, beside a running service."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from tests.support.paths import ROOT
from tests.support.service import serving
from triage.cli import cli
from triage.settings import load_settings
from triage.web import create_app

PAGE = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
ADDRESS = "127.0.0.1:8080"
SERVE = "triage serve"


@dataclass(frozen=True, slots=True)
class Example:
    """A command as one types it, and what it prints."""

    command: str
    printed: str


EXAMPLES = [
    Example(command, printed)
    for block in re.findall(r"(?ms)^```console\n(.*?)^```", PAGE)
    for command, printed in re.findall(r"(?ms)^\$ (.*?)$\n(.*?)(?=^\$ |\Z)", block)
]
EXPORTS = dict(re.findall(r"(?m)^export (\w+)=(\S+)$", PAGE))


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with alert and log, a `triage` on the path, and a service whose address stands for the page's."""

    folder: Path
    environment: dict[str, str]
    address: str

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", command.replace(ADDRESS, self.address)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        printed = done.stdout.decode()
        assert done.returncode == 0, printed
        return printed.replace(self.address, ADDRESS)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("examples")
    for name in ("alert.txt", "access.log"):
        shutil.copy(ROOT / "docs" / name, folder)
    program = folder / "bin/triage"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m triage "$@"\n')
    program.chmod(0o755)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    path = f"{program.parent}:{clean['PATH']}"
    environment = {**clean, **EXPORTS, "TRIAGE_LANG": "en", "PATH": path, "PYTHONPATH": str(ROOT)}
    with serving(folder, EXPORTS) as served:
        yield Place(folder, environment, f"127.0.0.1:{served.port}")


def _pattern(printed: str) -> str:
    """`…` alone on a line stands for any lines, within one for any text."""
    lines = [re.escape(line).replace("…", ".*") for line in printed.splitlines()]
    joined = "\n".join("(?s:.*)" if line == ".*" else line for line in lines)
    return joined.replace("\n(?s:.*)", "(?s:.*)").replace("(?s:.*)\n", "(?s:.*)")


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl to run the examples with")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.command)
def test_an_example_prints_what_the_page_says(example: Example, place: Place) -> None:
    if example.command == SERVE:  # runs beside the others
        return
    printed = place.run(example.command)
    assert re.fullmatch(_pattern(example.printed), printed.rstrip("\n")), printed


def _leaves(group: click.Group, *names: str) -> Iterator[tuple[str, click.Command]]:
    """Every command with its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        if isinstance(command, click.Group):
            yield from _leaves(command, *names, name)
        else:
            yield " ".join((*names, name)), command


COMMANDS = dict(_leaves(cli))


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_has_an_example(words: str) -> None:
    assert any(re.search(rf"(^|\| |; )triage {words}( |$)", example.command) for example in EXAMPLES)


def test_an_endpoint_has_an_example(tmp_path: Path) -> None:
    app = create_app(load_settings({**EXPORTS, "TRIAGE_DATABASE_URL": f"sqlite:///{tmp_path}/x.db"})).pages
    routes = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"}
    called = [path for example in EXAMPLES for path in re.findall(rf"{ADDRESS}(/[^\s'?]*)", example.command)]
    assert "/callback/wechat" in called
    assert [route for route in routes if not any(_is_of(path, route) for path in called)] == []


def _is_of(path: str, route: str) -> bool:
    return re.fullmatch(re.sub(r"<[^>]*>", "[^/]+", route), path) is not None


SHOWN = re.compile(r"(?ms)^```(?:sh|console)\n(.*?)^```|`(triage [^`\n]+)`")


def _mentioned() -> Iterator[tuple[str, str]]:
    """Every command in an example or between backticks, with its page."""
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        for block, span in SHOWN.findall(page.read_text(encoding="utf-8")):
            lines = span or block.replace("$ ", "")
            for line in re.findall(r"(?m)(?:^|\| |; )triage ([^|;<>\n]+)", lines):
                yield page.name, line.strip()


@pytest.mark.parametrize(("page", "line"), sorted(set(_mentioned())))
def test_a_command_that_a_page_shows_exists_with_its_options(page: str, line: str) -> None:
    words = line.split()
    if words[0].startswith("-"):
        return
    known = [name for name in COMMANDS if name.split() == words[: len(name.split())]]
    groups = {name.split()[0] for name in COMMANDS}
    assert known or (words == words[:1] and words[0] in groups), page
    options = {option for name in known for parameter in COMMANDS[name].params for option in parameter.opts}
    shown = re.findall(r"(?<![\w-])--[a-z][a-z-]*", line)
    assert [option for option in shown if option not in options | {"--help"}] == []
