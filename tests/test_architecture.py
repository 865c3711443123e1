"""The plan in docs/architecture.md holds: import directions, a pure core, sizes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLAN = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
ORDER = re.findall(r"^- `(\w+)` —", PLAN, re.MULTILINE)
CORE = re.findall(r"^- `(\w+)` —", PLAN.split("## Adapters")[0], re.MULTILINE)
MODULES = sorted((ROOT / "triage").rglob("*.py"))
IMPURE = {
    "os",
    "time",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "requests",
    "urllib.request",
    "pathlib",
    "sys",
}


def _module(path: Path) -> str:
    """The name in the plan: the file's, or the package's for what is inside one."""
    return path.relative_to(ROOT / "triage").parts[0].removesuffix(".py")


PLANNED = [path for path in MODULES if not _module(path).startswith("__")]
"""All but the package itself and its entry point, which import what they start."""


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_module_stands_in_the_plan_once() -> None:
    modules = {
        _module(path) for path in MODULES if not path.name.startswith("__") or path.parent.name != "triage"
    }
    assert sorted(ORDER) == sorted(modules)


@pytest.mark.parametrize("path", PLANNED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_up_the_plan(path: Path) -> None:
    name = _module(path)
    ours = {imported.split(".")[1] for imported in _imports(path) if imported.startswith("triage.")}
    below = {other for other in ours & set(ORDER) if ORDER.index(other) > ORDER.index(name)}
    assert not below, f"{name} imports {below}, which stand below it"


@pytest.mark.parametrize("name", CORE)
def test_the_core_touches_no_clock_environment_disk_or_network(name: str) -> None:
    path = ROOT / "triage" / f"{name}.py"
    assert not IMPURE & set(_imports(path))
    called = {
        ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    }
    assert not {"open", "print", "input", "datetime.now", "datetime.today", "datetime.utcnow"} & called


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_stays_small_enough_to_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_nothing_is_called_a_grab_bag() -> None:
    grab_bags = {"util", "utils", "helper", "helpers", "manager", "base", "common", "core", "misc"}
    assert not grab_bags & {path.stem for path in MODULES}
