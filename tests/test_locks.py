"""The lock files hold what pyproject.toml asks for, and the image, CI and a newcomer install by them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.paths import ROOT

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, GROUPS = SETTINGS["project"], SETTINGS["dependency-groups"]
EXTRAS = {
    name: [*PROJECT["dependencies"], *needed] for name, needed in PROJECT["optional-dependencies"].items()
}
IMAGE, DEVELOPMENT = "requirements.lock", "requirements-dev.lock"
AGAIN = "the lock files are older than pyproject.toml: make lock"


@cache
def _locked(file: str) -> dict[str, Requirement]:
    """The requirements of a lock file by name; those of one name are held apart by their markers."""
    text = re.sub(r"\\\n\s+--hash=\S+ ?", "", (ROOT / file).read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return {f"{item.name} {item.marker}": item for item in map(Requirement, lines)}


def _versions(file: str, name: str) -> set[Version]:
    found = [
        item for item in _locked(file).values() if canonicalize_name(item.name) == canonicalize_name(name)
    ]
    return {Version(next(iter(item.specifier)).version) for item in found}


def _group(name: str) -> Iterator[str]:
    """What a dependency group asks for, with the groups it includes."""
    for item in GROUPS[name]:
        if isinstance(item, str):
            yield item
        else:
            yield from _group(item["include-group"])


def _needed(file: str) -> list[str]:
    if file == IMAGE:
        return [*EXTRAS["postgresql"], *EXTRAS["pictures"]]
    return [*(line for extra in EXTRAS.values() for line in extra), *_group("dev")]


@pytest.mark.parametrize(
    ("file", "line"), sorted({(file, line) for file in (IMAGE, DEVELOPMENT) for line in _needed(file)})
)
def test_a_lock_file_holds_a_release_that_the_project_allows(file: str, line: str) -> None:
    wanted = Requirement(line)
    locked = _versions(file, wanted.name)
    assert locked, f"{line}: {AGAIN}"
    assert all(version in wanted.specifier for version in locked), f"{line}, {file} has {locked}: {AGAIN}"


@pytest.mark.parametrize("file", [IMAGE, DEVELOPMENT])
def test_every_release_is_exact_and_has_its_hashes(file: str) -> None:
    blocks = re.findall(r"(?m)^[^\s#].*(?:\n +--hash=.*)*", (ROOT / file).read_text(encoding="utf-8"))
    assert len(blocks) == len(_locked(file)) > 40
    for block in blocks:
        assert re.match(r"[\w.-]+==\S+( ;.*)? \\\n +--hash=sha256:[0-9a-f]{64}", block), block


def test_the_image_has_the_releases_that_the_tests_run_with() -> None:
    for item in _locked(IMAGE).values():
        assert _versions(IMAGE, item.name) <= _versions(DEVELOPMENT, item.name), f"{item.name}: {AGAIN}"


def test_the_image_has_no_tool_of_the_developers() -> None:
    of_the_image = {Requirement(line).name for line in _needed(IMAGE)} | {"packaging"}  # of onnxruntime
    for line in _group("dev"):
        name = Requirement(line).name
        if name not in of_the_image:
            assert not _versions(IMAGE, name), name


@pytest.mark.parametrize("file", [IMAGE, DEVELOPMENT])
def test_what_reads_pictures_needs_no_library_of_a_desktop(file: str) -> None:
    assert _versions(file, "opencv-python-headless")
    assert not _versions(file, "opencv-python"), "it needs libGL; see [[tool.uv.dependency-metadata]]"


@pytest.mark.parametrize("line", [line for line in _needed(DEVELOPMENT) if not line.startswith("types-")])
def test_a_dependency_says_from_which_release_on_it_is_good(line: str) -> None:
    assert {clause.operator for clause in Requirement(line).specifier} in ({">="}, {"=="})


def _commands(text: str) -> list[str]:
    """The commands of a Makefile or container file that install something, each on a line."""
    joined = re.sub(r"\\\n", " ", text)
    return [line for line in re.split(r"\n|&&", joined) if re.search(r"\$\(INSTALL\)|pip install", line)]


def test_make_installs_by_hash_alone() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    rule = text.split("\n$(READY): ")[1].split("\n\n")[0]
    pip, dependencies, project = _commands(rule)
    assert "--upgrade 'pip>=25.3'" in pip, "the first one that takes --build-constraint"
    assert "$(LOCKED) --no-deps --require-hashes --requirement requirements-dev.lock" in dependencies
    assert "$(LOCKED) --no-deps --editable ." in project
    assert "LOCKED := --build-constraint requirements-dev.lock\n" in text
    assert rule.splitlines()[0] == "pyproject.toml requirements-dev.lock"


def test_the_image_installs_by_hash_alone() -> None:
    dependencies, project = _commands((ROOT / "deploy/Dockerfile").read_text(encoding="utf-8"))
    assert (
        "--no-deps --require-hashes --build-constraint requirements-dev.lock --requirement requirements.lock"
        in dependencies
    )
    assert "--no-deps --build-constraint requirements-dev.lock ." in project


def test_what_builds_the_project_is_locked_too() -> None:
    for line in SETTINGS["build-system"]["requires"]:
        assert Requirement(line).name in {Requirement(item).name for item in _group("build")}
