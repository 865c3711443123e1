"""The pages of the console: a line for each."""

from __future__ import annotations

from flask import Blueprint

from triage.web.console import guide, rules, trial

PAGES: tuple[Blueprint, ...] = (
    trial.blueprint,
    guide.blueprint,
    rules.blueprint,
)
