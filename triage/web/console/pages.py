"""The pages of the console: a line for each."""

from __future__ import annotations

from flask import Blueprint

from triage.web.console import guide, incident, now, rules, signing_in, state, trial, week

PAGES: tuple[Blueprint, ...] = (
    now.blueprint,
    incident.blueprint,
    signing_in.blueprint,
    state.blueprint,
    trial.blueprint,
    guide.blueprint,
    rules.blueprint,
    week.blueprint,
)
