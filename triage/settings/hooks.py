"""`TRIAGE_HOOKS`: names and keys of the programs that may hand alerts in."""

from __future__ import annotations

from collections.abc import Mapping

from triage.channels.hook.account import Hook
from triage.errors import SettingsError
from triage.wording import Wording


def read_hooks(text: str) -> Mapping[str, Hook]:
    """The hooks of `name=key,name=key`, by their names. Raises ValueError."""
    hooks: dict[str, Hook] = {}
    for part in filter(None, (part.strip() for part in text.replace("\n", ",").split(","))):
        name, equals, key = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise ValueError(Wording("is not a list like name=key,name=key"))
        if name in hooks:
            raise ValueError(Wording("names the hook '{name}' twice", name=name))
        try:
            hooks[name] = Hook(name, key)
        except SettingsError as exc:
            raise ValueError(Wording("cannot be used: {why}", why=exc)) from exc
    return hooks
