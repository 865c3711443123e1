"""Plays the platform against a callback and judges it, layer by layer; calls only hosts that the operator named."""

from triage.errors import ForbiddenError
from triage.probe.examination import ProbePlan, examine
from triage.probe.guard import Guard, parse_target
from triage.probe.load import Load, measure
from triage.probe.network_checks import Limits, World
from triage.probe.push import DEFAULT_PUSHES, HEARTBEAT_PUSHES, find_sample_push
from triage.probe.report import CheckState, Report, checked

__all__ = [
    "DEFAULT_PUSHES",
    "HEARTBEAT_PUSHES",
    "CheckState",
    "ForbiddenError",
    "Guard",
    "Limits",
    "Load",
    "ProbePlan",
    "Report",
    "World",
    "checked",
    "examine",
    "find_sample_push",
    "measure",
    "parse_target",
]
