"""What is wrong with the values of settings, as one line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from pydantic import ValidationError

from triage.wording import Wording

_OF_TYPE: Final = {
    "bool_parsing": Wording("must be true or false"),
    "extra_forbidden": Wording("is no key here"),
    "int_parsing": Wording("must be a whole number"),
    "missing": Wording("is missing"),
}
"""By pydantic's type of an error. https://docs.pydantic.dev/latest/errors/validation_errors/"""


def explain(
    exc: ValidationError, variable_of: Callable[[str], str], is_shown: Callable[[str], bool]
) -> Iterator[Wording]:
    """One line for each mistake; `is_shown` says whether the value of a field may be repeated."""
    for error in exc.errors(include_url=False):
        if error["type"] == "default_factory_not_called":
            continue
        field = str(error["loc"][0])
        inside = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"][1:])
        shown = f" '{error['input']}'" if is_shown(field) else ""
        yield Wording(
            "{variable}:{shown} {problem}",
            variable=variable_of(field) + inside,
            shown=shown,
            problem=_problem(error["type"], error.get("ctx", {}), error["msg"]),
        )


def _problem(type_: str, context: dict[str, Any], message: str) -> object:
    if type_ == "value_error":
        return context["error"].args[0]
    if type_ == "greater_than_equal":
        return Wording("must be {least} or more", least=context["ge"])
    if type_ == "less_than_equal":
        return Wording("must be {most} or less", most=context["le"])
    if type_ == "literal_error":
        return Wording("must be one of {words}", words=str(context["expected"]).replace(" or ", ", "))
    return _OF_TYPE.get(type_) or message[:1].lower() + message[1:]
