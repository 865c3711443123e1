"""Plays the platform against a callback and judges it, layer by layer; leaves only to where an operator sent it."""

from triage.errors import ForbiddenError
from triage.probe.examination import Plan, examine
from triage.probe.guard import Guard, parse_target
from triage.probe.layers import Limits, World
from triage.probe.load import Load, measure
from triage.probe.push import DEFAULT_KINDS
from triage.probe.report import Report, State, checked

__all__ = [
    "DEFAULT_KINDS",
    "ForbiddenError",
    "Guard",
    "Limits",
    "Load",
    "Plan",
    "Report",
    "State",
    "World",
    "checked",
    "examine",
    "measure",
    "parse_target",
]
