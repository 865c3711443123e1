"""The API for programs: the answer to a text, and the incidents. Every request needs the API key.

Without a key in the settings the API answers nobody, except in demo mode a program on this very machine.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from flask import Blueprint, abort, request
from flask import Response as FlaskResponse
from pydantic import BaseModel, ValidationError

from triage.bot.access import Viewer, person_called
from triage.errors import StoreDownError, StoreError
from triage.incidents.correlation import Incident
from triage.store import EVERY, Event, Store, Wanted
from triage.web.api.bodies import (
    ClaimBody,
    CloseBody,
    EventView,
    IncidentList,
    IncidentPage,
    IncidentsQuery,
    IncidentView,
    NoteBody,
    TriageBody,
    called,
)
from triage.web.api.openapi import describe
from triage.web.callers import is_from_here
from triage.web.responses import answer, problem
from triage.web.service import the_service

MAX_API_BYTES = 1024 * 1024

Body = TypeVar("Body", bound=BaseModel)

blueprint = Blueprint("api", __name__)


@blueprint.before_request
def require_key() -> FlaskResponse | None:
    """The key as `Authorization: Bearer …` or `X-API-Key: …`."""
    if request.endpoint == "api.openapi":
        return None
    request.max_content_length = MAX_API_BYTES
    settings = the_service().settings
    if settings.api_key is None:
        if settings.demo and is_from_here():
            return None
        return problem("the API is closed; set TRIAGE_API_KEY", 403)
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        given = request.headers.get("X-API-Key", "")
    expected = settings.api_key.get_secret_value()
    if hmac.compare_digest(given.strip().encode("utf-8", "replace"), expected.encode()):
        return None
    response = problem("the API key is missing or wrong", 401)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@blueprint.post("/api/triage")
def triage() -> FlaskResponse:
    """The reply to a text, without any memory."""
    body = _body(TriageBody)
    return answer(the_service().rules.adviser.answer(body.text).as_json())


@blueprint.get("/api/incidents")
def incidents() -> FlaskResponse:
    """The incidents of the last hours, the newest first."""
    asked = IncidentsQuery.model_validate(request.args.to_dict())
    now = datetime.now(UTC)
    wanted = EVERY if asked.appid is None else Wanted(appids=(asked.appid,))
    since = now - timedelta(hours=asked.hours)
    view = _viewing()
    viewer, found = the_service().ask(
        lambda store: (view(store), store.recent_incidents(since, asked.limit, wanted))
    )
    views = [IncidentView.of(incident, viewer.names, now, viewer.quiet) for incident in viewer.seen(found)]
    return answer(IncidentList(incidents=views))


@blueprint.get("/api/incidents/<int:number>")
def incident(number: int) -> FlaskResponse:
    """One incident with its timeline."""
    return _changed(number, lambda store, viewer: None)


@blueprint.post("/api/incidents/<int:number>/claim")
def claim(number: int) -> FlaskResponse:
    """Take an incident on; 409 if somebody else has, or it is closed."""
    body, now = _body(ClaimBody), datetime.now(UTC)

    def change(store: Store, viewer: Viewer) -> str | None:
        who = person_called(body.by, viewer.names)
        owner = store.claim_incident(number, who, now)
        if owner is None:
            return "the incident is closed"
        return None if who.is_same(owner) else f"{called(owner, viewer.names)} has claimed it already"

    return _changed(number, change)


@blueprint.post("/api/incidents/<int:number>/note")
def note(number: int) -> FlaskResponse:
    """Write a line to the timeline."""
    body, now = _body(NoteBody), datetime.now(UTC)

    def change(store: Store, viewer: Viewer) -> None:
        store.add_note(number, person_called(body.by, viewer.names), now, body.note)

    return _changed(number, change)


@blueprint.post("/api/incidents/<int:number>/close")
def close(number: int) -> FlaskResponse:
    """Close an incident; 409 if it was closed already."""
    body, now = _body(CloseBody), datetime.now(UTC)

    def change(store: Store, viewer: Viewer) -> str | None:
        who = person_called(body.by, viewer.names)
        was_open = store.close_incident(number, who, now, body.note)
        return None if was_open else "the incident is closed already"

    return _changed(number, change)


@blueprint.get("/openapi.json")
def openapi() -> FlaskResponse:
    """This API, described in OpenAPI 3.1."""
    return answer(describe())


@blueprint.errorhandler(StoreError)
def store_failed(exc: StoreError) -> FlaskResponse:
    """503 while the database does not answer; why stands in the log of the store's errors."""
    the_service().metrics.store_failed("api", exc)
    down = isinstance(exc, StoreDownError)
    return problem("the database does not answer" if down else "the database cannot be used", 503)


@blueprint.errorhandler(ValidationError)
def invalid(exc: ValidationError) -> FlaskResponse:
    """422 with every field that is wrong; the input is not repeated."""
    errors = exc.errors(include_input=False, include_url=False, include_context=False)
    return problem(
        "; ".join(f"{'.'.join(map(str, error['loc'])) or 'body'}: {error['msg']}" for error in errors), 422
    )


def _body(model: type[Body]) -> Body:
    """The JSON body; 415 if it is none, 400 if it is malformed. Raises ValidationError."""
    if not request.is_json:
        abort(415, "send application/json")
    return model.model_validate_json(request.get_data())


def _viewing() -> Callable[[Store], Viewer]:
    """What finds out who asks, on whichever thread."""
    service = the_service()
    quiet = timedelta(minutes=service.settings.quiet_minutes)
    return lambda store: Viewer.of_api(store, service.admins, quiet)


def _changed(number: int, change: Callable[[Store, Viewer], str | None]) -> FlaskResponse:
    """An incident with its timeline after a change; 404 if there is none to see, 409 with what `change` objects."""
    view = _viewing()

    def ask(store: Store) -> tuple[str | None, Viewer, Incident | None, tuple[Event, ...]]:
        viewer, found = view(store), store.incident(number)
        if found is None or not viewer.may_see(found):
            return None, viewer, None, ()
        objection = change(store, viewer)
        return objection, viewer, store.incident(number), store.timeline(number)

    objection, viewer, found, timeline = the_service().ask(ask)
    if objection is not None:
        return problem(objection, 409)
    if found is None:
        abort(404, f"there is no incident {number}")
    page = IncidentView.of(found, viewer.names, datetime.now(UTC), viewer.quiet)
    events = [EventView.of(event, viewer.names) for event in timeline]
    return answer(IncidentPage(incident=page, timeline=events))
