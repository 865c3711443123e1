"""The language that a command speaks: `TRIAGE_LANG`, else the locale; chosen once, before the command runs."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING

from triage.settings.wordings import Language, said_in
from triage.wording import Wording

if TYPE_CHECKING:
    from triage.rules.model import Rule

_VARIABLES = ("TRIAGE_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
"""The first that is set decides, as for every program: https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html"""
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


def gettext(text: str, /, **values: object) -> str:
    """The text in the chosen language, with the values in their places; one that the catalogue lacks stays as it is."""
    return in_language(Wording(text, **values))


def in_language(said: object) -> str:
    """A wording, a finding or an error in the chosen language; any other text stays as it is."""
    return said_in(_chosen.get(), said)


def title_of(rule: Rule) -> str:
    """What a rule is called in the chosen language; its id where it has no English title."""
    return rule.title if _chosen.get() is Language.ZH else rule.title_en or rule.id
