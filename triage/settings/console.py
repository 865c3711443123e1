"""The console's settings: where links to it lead, and whom its password stands for."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from triage.message import Person
from triage.wording import Wording

PASSWORD_HOLDER = Person("console", "", "password")
"""Who signs in by the password: a lead of every account, whom nobody can write to."""
PASSWORD_NAME = "控制台"  # noqa: S105 - what people call who has it
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,255}/?")


def _read_origin(value: str) -> str:
    if not _ORIGIN.fullmatch(value):
        raise ValueError(Wording("is not an address like https://triage.example.cn; leave a path out"))
    return value.rstrip("/")


Origin = Annotated[str, AfterValidator(_read_origin)]
"""Scheme, host and port of a site."""


def own_address(host: str, port: int) -> str:
    """The address to open on this machine, by what the service listens on."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - to be shown
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
