"""The description of the API in OpenAPI 3.1, made from the very models that check its bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from triage import __version__
from triage.web.api.bodies import (
    AnswerView,
    ClaimBody,
    CloseBody,
    IncidentList,
    IncidentPage,
    IncidentsQuery,
    NoteBody,
    TriageBody,
)
from triage.web.responses import Problem

_REFERENCE = "#/components/schemas/{model}"
_PROBLEMS: Mapping[int, str] = {
    400: "the body is malformed",
    401: "the API key is missing or wrong",
    403: "the API is closed: no key is set",
    404: "there is no such incident",
    409: "somebody else has claimed it, or it is closed",
    413: "the body is too large",
    415: "the body is not application/json",
    422: "a field is wrong",
    503: "the database does not answer",
}


@dataclass(frozen=True, slots=True)
class _Operation:
    method: str
    path: str
    name: str
    summary: str
    answer: type[BaseModel]
    problems: tuple[int, ...]
    body: type[BaseModel] | None = None


_WRITING = (401, 403, 404, 413, 415, 422, 503)
_OPERATIONS = (
    _Operation(
        "post",
        "/api/triage",
        "triage",
        "The reply to an alert or to typed words",
        AnswerView,
        (401, 403, 413, 415, 422),
        TriageBody,
    ),
    _Operation(
        "get",
        "/api/incidents",
        "incidents",
        "The incidents of the last hours, the newest first",
        IncidentList,
        (401, 403, 422, 503),
    ),
    _Operation(
        "get",
        "/api/incidents/{number}",
        "incident",
        "One incident with its timeline",
        IncidentPage,
        (401, 403, 404, 503),
    ),
    _Operation(
        "post",
        "/api/incidents/{number}/claim",
        "claim",
        "Take an incident on",
        IncidentPage,
        (*_WRITING, 409),
        ClaimBody,
    ),
    _Operation(
        "post",
        "/api/incidents/{number}/note",
        "note",
        "Write a line to an incident's timeline",
        IncidentPage,
        _WRITING,
        NoteBody,
    ),
    _Operation(
        "post",
        "/api/incidents/{number}/close",
        "close",
        "Close an incident, saying what mended it",
        IncidentPage,
        (*_WRITING, 409),
        CloseBody,
    ),
)


@cache
def describe() -> dict[str, Any]:
    """The document."""
    sent = [(operation.body, "validation") for operation in _OPERATIONS if operation.body]
    got = [(operation.answer, "serialization") for operation in _OPERATIONS]
    models: list[Any] = [*dict.fromkeys([*sent, *got]), (Problem, "serialization")]
    _, schemas = models_json_schema(models, ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for operation in _OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "triage",
            "version": __version__,
            "description": "WeChat push-failure alerts: the matching checklist, and the incidents.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _described(operation: _Operation) -> dict[str, Any]:
    answers = {"200": {"description": operation.summary, "content": _content(operation.answer)}}
    for status in sorted(operation.problems):
        answers[str(status)] = {"description": _PROBLEMS[status], "content": _content(Problem)}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": answers,
    }
    if parameters := _parameters(operation):
        described["parameters"] = parameters
    if operation.body:
        described["requestBody"] = {"required": True, "content": _content(operation.body)}
    return described


def _parameters(operation: _Operation) -> list[dict[str, Any]]:
    if "{number}" in operation.path:
        schema = {"type": "integer", "minimum": 1}
        return [{"name": "number", "in": "path", "required": True, "schema": schema}]
    if operation.method == "post":
        return []
    properties: dict[str, Any] = IncidentsQuery.model_json_schema()["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in properties.items()
    ]


def _content(model: type[BaseModel]) -> dict[str, Any]:
    reference = _REFERENCE.format(model=model.__name__)
    return {"application/json": {"schema": {"$ref": reference}}}
