"""What operators look at: whether the service is up and ready; and the way from `/` to the console."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, redirect
from flask import Response as FlaskResponse
from werkzeug.wrappers import Response

from triage import __version__
from triage.errors import ReplacedFileError, SchemaError, StoreError
from triage.store import Backlog, Store
from triage.web.metrics import Waiting
from triage.web.responses import answer
from triage.web.service import the_service

_STUCK = timedelta(minutes=2)
"""What has been due for longer does not go out by itself any more."""
_LOOKED_BACK = timedelta(days=1)
blueprint = Blueprint("pages", __name__)
home = Blueprint("home", __name__)
"""What stands at `/` where the demo does not."""


@home.get("/")
def to_console() -> Response:
    """To the console's first page, or to its door."""
    return redirect("/now")


@blueprint.get("/healthz")
def healthz() -> FlaskResponse:
    """Whether the process answers; a balancer of callbacks asks this: checklists go out without a database."""
    return answer({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> FlaskResponse:
    """Whether everything works: 503 without a database or rules, `degraded` while changed rules cannot be used."""
    state, store_problem = the_service().rules.state, _store_problem()
    ready = store_problem is None and state.count > 0
    outgoing = _outgoing() if ready else None
    degraded = state.problem is not None or (outgoing is not None and not outgoing["ok"])
    return answer(
        {
            "status": "unavailable" if not ready else "degraded" if degraded else "ok",
            "version": __version__,
            "store": {"ok": store_problem is None, "problem": store_problem},
            "outgoing": outgoing,
            "rules": {
                "ok": state.problem is None and state.count > 0,
                "version": state.version,
                "count": state.count,
                "problem": state.problem,
            },
        },
        200 if ready else 503,
    )


@blueprint.get("/metrics")
def metrics() -> FlaskResponse:
    """The counters, for Prometheus."""
    service = the_service()
    text = service.metrics.exposition(service.rules.state, _waiting(datetime.now(UTC)))
    return FlaskResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _backlog(now: datetime) -> Backlog | None:
    """How much of the outbox has not gone out; None where the database cannot be asked."""
    try:
        return the_service().ask(lambda store: store.outbox.backlog(now, now - _LOOKED_BACK))
    except StoreError:
        return None


def _waiting(now: datetime) -> Waiting | None:
    """The same for /metrics, as an age."""
    backlog = _backlog(now)
    if backlog is None:
        return None
    oldest = backlog.oldest_due
    return Waiting(backlog.due, (now - oldest).total_seconds() if oldest else 0.0)


def _outgoing() -> dict[str, object] | None:
    """How much is due to go out and since when, and how much of the last day did not; None where it cannot be asked."""
    now = datetime.now(UTC)
    backlog = _backlog(now)
    if backlog is None:
        return None
    oldest = backlog.oldest_due
    return {
        "ok": oldest is None or now - oldest < _STUCK,
        "due": backlog.due,
        "oldest_due": oldest.isoformat() if oldest else None,
        "failed": backlog.failed,
    }


def _store_problem() -> str | None:
    """Why the store cannot be used, without the database's own words: the page is for everybody."""
    try:
        the_service().ask(Store.check)
    except SchemaError as exc:
        return str(exc)
    except ReplacedFileError as exc:
        if exc.is_log:
            return "the log of the database was deleted or replaced; stop triage normally and start it again"
        return (
            "the database file was deleted or replaced; put it back, or restart to go on with what is there"
        )
    except StoreError:
        return "the database does not answer; the log says why"
    return None
