"""The closed loop: the platform with its real rules, a sick callback, and the alerts it writes about it."""

from triage.simulator.platform import Act, Alerted, Plan, Slot, make_persona, simulate

__all__ = ["Act", "Alerted", "Plan", "Slot", "make_persona", "simulate"]
