"""The closed loop: the platform with its real rules, a sick callback, and the alerts it writes about it."""

from triage.simulator.platform import Act, SentAlert, SimulationOptions, Slot, make_persona, simulate

__all__ = ["Act", "SentAlert", "SimulationOptions", "Slot", "make_persona", "simulate"]
