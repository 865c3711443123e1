"""What many tests need: the bundled rules and an adviser over them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.sick_peer import Authority
from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.channels.registry import DEFAULT_CHANNEL
from triage.rules.loader import load_rules, load_templates
from triage.rules.model import RuleSet
from triage.settings.directories import data_directory, load_sources

# The tests start Python hundreds of times; without compiled files each start compiles the whole program.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

LONGEST = (
    "test_package.py",
    "pictures/test_hostile.py",
    "web/test_nodes.py",
    "web/test_on_call_story.py",
    "web/test_pictures.py",
    "web/console/test_walk.py",
    "test_commands.py",
    "web/test_serve.py",
    "bot/test_broken_templates.py",
)
"""The files that take half a minute and more, the longest first."""
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest: begun last, it would run on one processor while the others have nothing to do."""
    places = {_HERE / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def rules() -> RuleSet:
    return load_rules([data_directory("rules")], load_sources().ids)


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    templates = load_templates(data_directory("templates") / "reply")
    return Renderer(templates, DEFAULT_CHANNEL.page_size, sources=load_sources())


@pytest.fixture(scope="session")
def adviser(rules: RuleSet, renderer: Renderer) -> Adviser:
    return Adviser(rules, renderer)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority of our own."""
    return Authority.make(tmp_path_factory.mktemp("ca"))
