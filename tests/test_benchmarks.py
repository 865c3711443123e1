"""docs/benchmarks.md and README name commands that are there, and every measurement stands on the page."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.paths import ROOT

PAGE = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"python -m (bench(?:\.\w+)?)")
MEASUREMENTS = sorted(
    "bench" if file.stem == "__main__" else f"bench.{file.stem}"
    for file in (ROOT / "bench").glob("*.py")
    if '__name__ == "__main__"' in file.read_text(encoding="utf-8")
)


def test_the_page_and_make_bench_have_every_measurement() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert sorted(set(COMMAND.findall(PAGE))) == MEASUREMENTS
    assert sorted(set(COMMAND.findall(makefile))) == MEASUREMENTS


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_readme_shows_three_figures_each_with_its_command(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    shown = [line for line in text.splitlines() if COMMAND.search(line)]
    assert len(shown) == 3
    assert all(re.search(r"\d", line.split("`")[0]) for line in shown), shown
    assert {COMMAND.findall(line)[0] for line in shown} <= set(MEASUREMENTS)


def test_what_is_compared_with_is_installed_by_make_bench_alone() -> None:
    groups = (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("[dependency-groups]")[1]
    bench = re.findall(r'"(\w+)>=', re.findall(r"(?ms)^bench = \[(.*?)^\]", groups)[0])
    imported = {
        node.module.split(".")[0] if isinstance(node, ast.ImportFrom) and node.module else alias.name
        for name in ("readers", "matching")
        for node in ast.parse((ROOT / f"bench/{name}.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    started = (ROOT / "bench/servers.py").read_text(encoding="utf-8") + (ROOT / "bench/service.py").read_text(
        encoding="utf-8"
    )
    assert [name for name in bench if name not in imported and f'"-m", "{name}"' not in started] == []
    assert all(f"`{name}`" in PAGE for name in bench)
    assert not any(name in re.findall(r"(?ms)^dev = \[(.*?)^\]", groups)[0] for name in bench)
