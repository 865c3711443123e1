"""The console's cookies: hidden from scripts, and sent over TLS alone where the console is reached by it.

They are SameSite=Lax: with Strict a link that is opened from a chat would not be followed by the session that it began,
as the browser counts the whole navigation as begun by another site. No write is made by GET, so Lax gives nothing away.
"""

from __future__ import annotations

from datetime import timedelta

from flask import request
from werkzeug.wrappers import Response

from triage.web.service import the_service

SESSION = "triage_session"
FORM = "triage_form"
"""What the forms of somebody who has not signed in carry too."""
INCIDENT = "triage_incident"
"""The link to an incident that was followed last."""


def read(name: str) -> str:
    """The value of a cookie; `""` where there is none."""
    return request.cookies.get(_full(name), "")


def keep(response: Response, name: str, value: str, lasts: timedelta | None = None) -> None:
    """Set a cookie; without a time it goes when the browser is closed."""
    response.set_cookie(
        _full(name), value, max_age=lasts, path="/", secure=_is_secure(), httponly=True, samesite="Lax"
    )


def drop(response: Response, name: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(_full(name), path="/", secure=_is_secure(), httponly=True, samesite="Lax")


def _is_secure() -> bool:
    """By the address that is set: a header about it could be anybody's."""
    return (the_service().settings.public_url or "").startswith("https://")


def _full(name: str) -> str:
    """Over TLS with a prefix that makes browsers refuse one from a neighbouring host.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
    """
    return f"__Host-{name}" if _is_secure() else name
