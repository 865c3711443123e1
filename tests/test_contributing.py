"""CONTRIBUTING.md says what is so: its table points at what is there, its ideal commit is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.rules import with_added
from triage.advice.adviser import Adviser
from triage.advice.examples import run_examples
from triage.advice.rendering import Renderer
from triage.cli import main
from triage.rules.model import RuleSet

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PLACES = sorted(set(re.findall(r"`((?:triage|rules|templates|tests|docs|bench)/[^`]*)`", PAGE)))
EXAMPLE = re.findall(r"```yaml\n# rules/(\S+)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("place", PLACES)
def test_a_place_the_page_names_is_there(place: str) -> None:
    """`<name>` stands for anything, and there must be one already."""
    assert [*ROOT.glob(re.sub(r"<\w+>", "*", place).rstrip("/"))]


def test_the_ideal_commit_passes_what_a_bundled_rule_must_pass(rules: RuleSet, renderer: Renderer) -> None:
    """Alone and beside the bundled rules: no mistake, its examples hold, every step and condition is tried."""
    ((name, source),) = EXAMPLE
    together, findings = with_added(rules, source, name)
    assert findings == ()
    failed, coverage = run_examples(together, Adviser(together, renderer))
    assert (failed, coverage.unshown, coverage.one_sided) == ((), (), ())


def test_the_commands_of_the_ideal_commit_find_nothing_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ((name, source),) = EXAMPLE
    commands = re.findall(r"(?m)^triage (rules \w+) rules$", PAGE)
    assert commands == ["rules check", "rules test"]
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / name).write_text(source, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for command in commands:
        assert main([*command.split(), "rules"]) == 0, capsys.readouterr()
