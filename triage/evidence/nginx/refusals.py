"""What refuses the platform's pushes by more than their address: a sign-in, `internal`, methods, headers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain

import re2

from triage.evidence.nginx.checks import Check, Nginx
from triage.evidence.nginx.problems import Found
from triage.evidence.nginx.scope import Scope, alike, sounds_like_callback
from triage.evidence.nginx.tree import Directive

_SENT: Mapping[str, str] = {
    "$request_method": "POST",
    "$http_user_agent": "Mozilla/4.0",
    "$http_referer": "",
    "$http_cookie": "",
    "$http_authorization": "",
}
"""What a push has of that which conditions ask for."""
_REFUSING = re.compile(r"4\d\d|5\d\d")
_CONDITION = re.compile(r"\((\$\w+) *(=|!=|!?~\*?) *(.*)\)", re.DOTALL)
_BACKSTAGE = re.compile(r"(?i)admin|manage|console|debug|status|login")
"""Paths that people of the team ask for, who may be asked to sign in."""


def _signed_in(nginx: Nginx) -> Iterator[Found]:
    """A sign-in, which nobody at the platform passes, and locations that only nginx itself may ask for."""
    for place in _callbacks(nginx):
        if place.holder("satisfy") is None:
            for name in ("auth_basic", "auth_request"):
                asked = place.value(name)
                if asked and asked.args[0] != "off":
                    yield Found("pushes_refused", asked, f"{name} off;")
        yield from (Found("pushes_refused", each) for each in alike(place.inner, "internal"))


def _methods(nginx: Nginx) -> Iterator[Found]:
    """`limit_except` without POST, where nobody is let in all the same."""
    for place in _callbacks(nginx):
        for each in alike(place.inner, "limit_except"):
            names = each.block.named if each.block and each.block.is_whole else {}
            if "POST" not in each.args and "deny" in names and "allow" not in names:
                yield Found("pushes_refused", each, "limit_except GET POST { deny all; }")


def _conditions(nginx: Nginx) -> Iterator[Found]:
    """An `if` that holds for every push, and answers it with an error."""
    for place in _callbacks(nginx):
        servers = [alike(place.server.block, "if")] if place.server and place.server.block else []
        for each in chain(alike(place.inner, "if"), *servers):
            inner = alike(each.block, "return") if each.block else ()
            answers = [one for one in inner if one.args and _REFUSING.fullmatch(one.args[0])]
            if answers and (_holds(each) or _wants_referer(each, place)):
                yield Found("pushes_refused", each)


def _callbacks(nginx: Nginx) -> Iterator[Scope]:
    """The locations that answer the callback; those of other names only where they are the root."""
    for place in nginx.callbacks:
        path = place.location.args[-1] if place.location and place.location.args else ""
        if path == "/" or (sounds_like_callback(place) and not _BACKSTAGE.search(path)):
            yield place


def _holds(condition: Directive) -> bool:
    """Whether a condition holds for a push; False where that cannot be known."""
    match = _CONDITION.fullmatch(" ".join(condition.args))
    if match is None or match[1] not in _SENT:
        return False
    sent, operator, wanted = _SENT[match[1]], match[2], match[3].strip().strip("\"'")
    if operator in ("=", "!="):
        return (sent == wanted) is (operator == "=")
    options = re2.Options()  # whoever pastes a configuration wrote the expression: it must end in any case
    options.log_errors, options.case_sensitive = False, not operator.endswith("*")
    try:
        found = re2.compile(wanted, options).search(sent)
    except re2.error:
        return False
    return bool(found) is not operator.startswith("!")


def _wants_referer(condition: Directive, place: Scope) -> bool:
    valid = place.effective("valid_referers")
    return condition.args == ("($invalid_referer)",) and not any("none" in each.args for each in valid)


REFUSALS: tuple[Check, ...] = (_signed_in, _methods, _conditions)
