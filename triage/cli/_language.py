"""The language that a command speaks: `TRIAGE_LANG`, else the locale; chosen once, before the command runs.

A text stands in the code in one language, and in templates/commands in the other: what the code says in English is in
chinese.yml, what it says in Chinese, as the bot speaks, in english.yml.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from triage.wording import Wording, translate

if TYPE_CHECKING:
    from triage.rules.model import Rule

_VARIABLES = ("TRIAGE_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
"""The first that is set decides, as for every program: https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html"""
_HAN = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


class Language(StrEnum):
    """The languages there are."""

    EN = "en"
    ZH = "zh"


CATALOGUES: Mapping[Language, str] = {Language.EN: "english.yml", Language.ZH: "chinese.yml"}
"""The files of templates/commands, by the language that they are in."""
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
    return str(translate(said, _template))


def title_of(rule: Rule) -> str:
    """What a rule is called in the chosen language; its id where it has no English title."""
    return rule.title if _chosen.get() is Language.ZH else rule.title_en or rule.id


def language_of(template: str) -> Language:
    """The language of a text in the code."""
    return Language.ZH if _HAN.search(template) else Language.EN


def _template(template: str) -> str:
    if language_of(template) is _chosen.get():
        return template
    return catalogue(_chosen.get()).get(template, template)


@cache
def catalogue(of: Language) -> Mapping[str, str]:
    """What is said in this language, by what stands in the code."""
    import yaml  # most commands in English need neither

    from triage.settings.directories import data_directory

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    text = (data_directory("templates") / "commands" / CATALOGUES[of]).read_text(encoding="utf-8")
    texts: dict[str, str] = yaml.load(text, Loader=loader)  # noqa: S506 - a loader that makes text of everything
    return texts
