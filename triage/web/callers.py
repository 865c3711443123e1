"""Who calls: a program of this machine, our own page, or a page of somebody else's in a visitor's browser.

A site that rebinds its name to our address reaches us with that name as Host, and as a page of the same origin.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from flask import request

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")
_LOCALHOST = "localhost"
_LONGEST_ADDRESS = 100


def is_loopback(host: str) -> bool:
    """Whether an address or a name is this machine's alone."""
    address = _address(host)
    return host == _LOCALHOST if address is None else address.is_loopback


def is_from_here() -> bool:
    """Whether a program on this machine asks; not one behind a proxy, nor a page of some site by a name of its own."""
    if any(header in request.headers for header in _FORWARDED):
        return False
    return is_loopback(_named_host()) and is_loopback(request.remote_addr or "")


def is_from_our_page(listens_on: str) -> bool:
    """Whether a write may come from a page of ours: from this machine where it alone reaches us, else by an address.

    An address cannot be rebound, and a page of another origin says so.
    """
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return False
    name = _named_host()
    return is_from_here() if is_loopback(listens_on) else name == _LOCALHOST or _address(name) is not None


def client_address() -> str:
    """Where a request comes from; behind a proxy of this machine what that one says, which is last in its header."""
    peer = request.remote_addr or ""
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return forwarded[:_LONGEST_ADDRESS] if forwarded and is_loopback(peer) else peer


def _named_host() -> str:
    """The host of the URL that was asked for, without its port and brackets."""
    host = request.host.rpartition(":")[0] if not request.host.endswith("]") else request.host
    return (host or request.host).strip("[]")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
