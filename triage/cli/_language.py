"""The language that a command speaks: `TRIAGE_LANG`, else the locale; chosen once, before the command runs."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from enum import StrEnum

_VARIABLES = ("TRIAGE_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
"""The first that is set decides, as for every program: https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html"""


class Language(StrEnum):
    """The languages there are."""

    EN = "en"
    ZH = "zh"


_chosen: ContextVar[Language] = ContextVar("language", default=Language.EN)


def choose_language(environment: Mapping[str, str]) -> Language:
    """Speak the language of this environment from now on: Chinese for every zh…, else English."""
    given = next((value for name in _VARIABLES if (value := environment.get(name))), "")
    language = Language.ZH if given.lower().startswith("zh") else Language.EN
    _chosen.set(language)
    return language


def language() -> Language:
    """The language that was chosen last."""
    return _chosen.get()


def gettext(text: str, **values: object) -> str:
    """The text in the chosen language, with the values in their places; one that the catalogue lacks stays English."""
    if _chosen.get() is Language.ZH:
        from triage.cli._chinese import MESSAGES

        text = MESSAGES.get(text, text)
    return text.format(**values) if values else text
