"""The plan in docs/architecture.md holds: import directions, pure packages, sizes, names."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PLAN = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
SECTIONS = {
    part.partition("\n")[0]: re.findall(r"^- `(\w+)` —", part, re.MULTILINE)
    for part in PLAN.split("\n## ")[1:]
}
ORDER = [name for names in SECTIONS.values() for name in names]
VOCABULARY = next(names for title, names in SECTIONS.items() if title.startswith("Vocabulary"))
PURE = next(names for title, names in SECTIONS.items() if title.startswith("Pure"))
MODULES = sorted((ROOT / "triage").rglob("*.py"))
READS_THE_DISK = "rules/loader.py"
"""The one module of a pure package that may."""
IMPURE = {
    "asyncio", "os", "pathlib", "random", "requests", "secrets", "shutil", "signal", "socket", "sqlite3", "ssl",
    "subprocess", "sys", "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
IMPURE_CALLS = {"open", "print", "input", "datetime.now", "datetime.today", "datetime.utcnow", "date.today"}
GRAB_BAGS = {"util", "utils", "helper", "helpers", "manager", "base", "common", "core", "misc"}
LONGEST_MODULE = 400
LONGEST_FUNCTION = 40


def _inside(path: Path) -> str:
    return path.relative_to(ROOT / "triage").as_posix()


def _package(path: Path) -> str:
    """The name in the plan: the package, or the module where it stands in none."""
    return path.relative_to(ROOT / "triage").parts[0].removesuffix(".py")


PLANNED = [path for path in MODULES if not _package(path).startswith("__")]
"""All but the package itself and its entry point, which import what they start."""


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_package_stands_in_the_plan_once() -> None:
    assert sorted(ORDER) == sorted({_package(path) for path in PLANNED})


@pytest.mark.parametrize("path", PLANNED, ids=_inside)
def test_imports_point_up_the_plan(path: Path) -> None:
    name = _package(path)
    ours = {imported.split(".")[1] for imported in _imports(path) if imported.startswith("triage.")}
    below = {other for other in ours & set(ORDER) if ORDER.index(other) > ORDER.index(name)}
    assert not below, f"{name} imports {below}, which stand below it"


def test_no_two_modules_import_each_other_in_a_circle() -> None:
    names = {f"triage.{_inside(path).removesuffix('.py').replace('/', '.')}": path for path in MODULES}
    graph = {name: _modules_of(_imports(path), names) - {name} for name, path in names.items()}
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError with the circle


def _modules_of(imports: Iterable[str], names: Mapping[str, Path]) -> set[str]:
    """The modules that are imported: themselves, or a name inside them."""
    found = set()
    for imported in imports:
        package = imported.rpartition(".")[0]
        found |= set(list(filter(names.__contains__, (imported, package, f"{package}.__init__")))[:1])
    return found


@pytest.mark.parametrize("path", PLANNED, ids=_inside)
def test_another_package_s_private_names_are_left_alone(path: Path) -> None:
    foreign = [
        imported
        for imported in _imports(path)
        if imported.startswith("triage.") and imported.split(".")[1] != _package(path)
    ]
    parts = {part for imported in foreign for part in imported.split(".")} - {"__version__"}
    assert not {part for part in parts if part.startswith("_")}


@pytest.mark.parametrize("path", [p for p in PLANNED if _package(p) in VOCABULARY], ids=_inside)
def test_the_vocabulary_needs_the_standard_library_alone(path: Path) -> None:
    tops = {imported.split(".")[0] for imported in _imports(path)}
    assert not tops - set(sys.stdlib_module_names) - {"triage", "__future__"}


@pytest.mark.parametrize("path", [p for p in PLANNED if _package(p) in PURE], ids=_inside)
def test_a_pure_package_touches_no_clock_environment_disk_or_network(path: Path) -> None:
    if _inside(path) == READS_THE_DISK:
        pytest.skip("named in the plan as the one that reads directories")
    assert not {used for used in _imports(path) if used in IMPURE or used.rpartition(".")[0] in IMPURE}
    called = {ast.unparse(node.func) for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)}
    assert not IMPURE_CALLS & called


@pytest.mark.parametrize("path", MODULES, ids=_inside)
def test_a_module_stays_small_enough_to_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("path", MODULES, ids=_inside)
def test_a_function_stays_small_enough_to_see(path: Path) -> None:
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert not long


def test_nothing_is_called_a_grab_bag() -> None:
    assert not GRAB_BAGS & {path.stem for path in MODULES}


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda path: path.name)
def test_no_test_module_imports_another_one(path: Path) -> None:
    assert not [used for used in _imports(path) if re.search(r"^tests\..*\btest_\w+", used)]


def test_tests_mirror_the_packages() -> None:
    rooms = {
        path.parent.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").glob("*/**/test_*.py")
    }
    assert rooms <= set(ORDER)


def test_a_migration_has_types_of_its_own() -> None:
    """A released migration makes the same tables for ever, whatever becomes of the program's schema."""
    foreign = {
        (path.name, imported)
        for path in (ROOT / "triage/store/migrations").rglob("*.py")
        for imported in _imports(path)
        if imported.startswith("triage.") and not imported.startswith("triage.store.migrations.")
    }
    assert not foreign


@pytest.mark.parametrize("path", MODULES, ids=_inside)
def test_nothing_private_of_another_project_is_used(path: Path) -> None:
    """A name with an underscore is used in the module that defines it; `_typeshed` is what type checkers publish."""
    private = re.compile(r"_(?!_)\w*")
    tree = _tree(path)
    imported = {
        name
        for name in _imports(path)
        if not name.startswith(("triage.", "_typeshed.")) and any(map(private.fullmatch, name.split(".")))
    }
    own = {name for name in _defined(tree) if private.fullmatch(name)}
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not imported
    assert not {name for name in used if private.fullmatch(name)} - own


def _defined(tree: ast.Module) -> Iterator[str]:
    """Every name that a module defines: functions, classes, variables, fields, attributes of `self`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and ast.unparse(node.value) == "self"
        ):
            yield node.attr


_DEMOS = ("simulator/", "web/console/demo")
PLAYED = {
    "wechat": ("probe/", "cli/", *_DEMOS),
    "wecom_app": _DEMOS,
    "wecom_bot": _DEMOS,
    "wecom_webhook": _DEMOS,
}
"""Modules that play a platform's own servers, or call its API, by channel."""


@pytest.mark.parametrize("path", MODULES, ids=_inside)
def test_a_channel_is_known_to_its_folder_the_registry_and_the_settings_alone(path: Path) -> None:
    """So adding one touches nothing else."""
    channels = [folder.name for folder in (ROOT / "triage/channels").iterdir() if folder.is_dir()]
    for channel in channels:
        own = (f"channels/{channel}/", "channels/registry.py", "settings/")
        if not _inside(path).startswith(own + PLAYED.get(channel, ())):
            assert not [name for name in _imports(path) if name.startswith(f"triage.channels.{channel}")]


@pytest.mark.parametrize("path", MODULES, ids=_inside)
def test_what_a_wechat_reply_holds_is_known_to_its_channel_and_the_platform_alone(path: Path) -> None:
    if not _inside(path).startswith(("platform/", "channels/wechat/")):
        assert not [name for name in _imports(path) if name.endswith("MAX_CONTENT_BYTES")]
