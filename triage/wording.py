"""Texts that can be said in another language: each is finished as it is, and keeps what it was made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Self


class Wording(str):
    """A text with the template and the values that it was made of, so that it can be made from another template.

    It is the text itself, in the language in which it stands in the code. `template` has the places of `str.format`,
    unless there are no values. A value may be a Wording too, or an object whose attribute `wording` is one.
    """

    __slots__ = ("template", "values")
    template: str
    values: dict[str, object]

    def __new__(cls, template: str, /, **values: object) -> Self:
        self = super().__new__(cls, _filled(template, values))
        self.template = template
        self.values = values
        return self

    def filled(self, **values: object) -> Wording:
        """A text made of this template and of these values instead."""
        return Wording(self.template, **values)

    def mapped(self, change: Callable[[str], str]) -> Wording:
        """A text made of this template and of the values, each text among them changed by `change`."""
        return self.filled(**{name: _mapped(value, change) for name, value in self.values.items()})


def joined(pair: str, texts: Iterable[str]) -> str:
    """All texts in a row; `pair` is the template of two, `{a}` and `{b}`. An empty text for none."""
    parts = list(texts)
    return reduce(lambda a, b: Wording(pair, a=a, b=b), parts) if parts else ""


def translate(said: object, template_for: Callable[[str], str]) -> object:
    """What is said, made from the templates that `template_for` names for those in it; what is no Wording stays."""
    said = getattr(said, "wording", said)
    if not isinstance(said, Wording):
        return said
    values = {name: translate(value, template_for) for name, value in said.values.items()}
    return _filled(template_for(said.template), values)


def _filled(template: str, values: dict[str, object]) -> str:
    return template.format(**values) if values else template


def _mapped(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, Wording):
        return value.mapped(change)
    return change(value) if isinstance(value, str) else value
