"""What the code says, in the other language: templates/commands has it by what stands in the code.

A text stands in the code in one language: what it says in English is in chinese.yml, what it says in Chinese, as the
bot speaks, in english.yml.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache, partial

from triage.settings.directories import data_directory
from triage.wording import translate

_HAN = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


class Language(StrEnum):
    """The languages there are."""

    EN = "en"
    ZH = "zh"


CATALOGUES: Mapping[Language, str] = {Language.EN: "english.yml", Language.ZH: "chinese.yml"}
"""The files of templates/commands, by the language that they are in."""


def said_in(language: Language, said: object) -> str:
    """A wording, a finding or an error in a language; any other text, and one without a translation, as it is."""
    return str(translate(said, partial(_template, language)))


def language_of(template: str) -> Language:
    """The language of a text in the code."""
    return Language.ZH if _HAN.search(template) else Language.EN


def _template(language: Language, template: str) -> str:
    return template if language_of(template) is language else catalogue(language).get(template, template)


@cache
def catalogue(of: Language) -> Mapping[str, str]:
    """The translations into a language, by the template that stands in the code."""
    import yaml  # most commands in English need none

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    text = (data_directory("templates") / "commands" / CATALOGUES[of]).read_text(encoding="utf-8")
    texts: dict[str, str] = yaml.load(text, Loader=loader)  # noqa: S506 - a loader that makes text of everything
    return texts
