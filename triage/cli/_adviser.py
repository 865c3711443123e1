"""How commands get the adviser; apart from `_input`, for it takes a third of a second to import what it needs."""

from __future__ import annotations

from triage.advice.adviser import Adviser
from triage.advice.rendering import Renderer
from triage.channels.registry import DEFAULT_CHANNEL
from triage.cli._output import write
from triage.rules.loader import load_rules, load_templates
from triage.settings.directories import data_directory, load_rules_dirs, load_sources


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
