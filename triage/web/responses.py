"""JSON answers."""

from __future__ import annotations

from flask import Response
from pydantic import BaseModel

from triage.printing import dump_json, escape_json

_JSON = "application/json"


def answer(value: object, status: int = 200) -> Response:
    """A model or a plain value as JSON."""
    text = escape_json(value.model_dump_json()) if isinstance(value, BaseModel) else dump_json(value)
    return Response(text.encode("utf-8", "replace"), status, content_type=_JSON)


def problem(error: str, status: int) -> Response:
    """What is wrong, as JSON."""
    return answer(Problem(error=error), status)


class Problem(BaseModel):
    """What is wrong with a request, and what to do."""

    error: str
