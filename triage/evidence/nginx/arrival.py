"""Whether the platform's pushes arrive: redirects, refusals by address, ports, paths that a backend does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import islice

from triage.evidence.nginx.checks import Check, Nginx
from triage.evidence.nginx.problems import Found
from triage.evidence.nginx.scope import Scope, server_names
from triage.evidence.nginx.tree import Directive

MAX_RULES = 2_000
"""Rules by address of a block that are judged."""
_REDIRECTS = frozenset({"301", "302", "303", "307", "308"})
_EVERYTHING = re.compile(r"[\^$()./*+?]*")
"""A regular expression that every path matches: `^`, `^(.*)$`, `/(.*)`."""
_BY_SCHEME = re.compile(
    r"\$(?:scheme|https|ssl_protocol|server_port|http_x_forwarded_proto|http_x_forwarded_scheme)\b"
)
_PORTS = frozenset({"80", "443"})
# Networks that are taken for the platform's. It has no public list: an account asks for the present one, getcallbackip.
# https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Get_the_WeChat_server_IP_address.html
# 101.226 and 81.69 are confirmed, the others are not; an `allow` of any other network counts as none of the platform's.
_WECHAT = tuple(
    ip_network(f"{start}.0.0/16")
    for start in (
        *(
            "101.226",
            "101.91",
            "140.207",
            "58.246",
            "58.247",
            "58.251",
            "180.163",
            "183.3",
            "183.192",
            "182.254",
        ),
        *("203.205", "119.147", "111.30", "81.69", "1.117", "106.55", "121.51", "175.24", "162.62", "43.137"),
    )
)


def _redirects(nginx: Nginx) -> Iterator[Found]:
    fix = "location = /wx { proxy_pass http://app; }"
    answering = {id(place.server) for place in nginx.callbacks}
    for place in nginx.places:
        is_server = place.owners[-1].name == "server"
        if is_server and (id(place.server) in answering or not nginx.callbacks):
            yield from (Found("redirect_callback", each, fix) for each in _redirecting(place))
    everywhere = [] if nginx.callbacks else [place for place in nginx.places if _is_root(place)]
    for place in (*nginx.callbacks, *everywhere):
        if place.location:
            yield from (Found("redirect_callback", each, fix) for each in _redirecting(place))


def _is_root(place: Scope) -> bool:
    return place.owners[-1].name == "location" and place.owners[-1].args[-1:] == ("/",)


def _redirecting(place: Scope) -> Iterator[Directive]:
    """The directives that redirect every request of a block."""
    for each in place.inner.directives:
        if _is_redirect(each, is_location=place.owners[-1].name == "location"):
            yield each
        elif each.name == "if" and each.block and _is_plain_http(each, place):
            yield from (inner for inner in each.block.directives if _is_redirect(inner, is_location=False))


def _is_redirect(directive: Directive, is_location: bool) -> bool:
    args = directive.args
    if directive.name == "return" and args:
        return args[0] in _REDIRECTS or args[0].startswith(("http:", "https:", "$scheme:"))
    if directive.name != "rewrite" or len(args) < 2:
        return False
    outside = args[1].startswith(("http:", "https:", "$scheme:")) or args[-1] in ("redirect", "permanent")
    return outside and (is_location or bool(_EVERYTHING.fullmatch(args[0])))


def _is_plain_http(condition: Directive, place: Scope) -> bool:
    """Whether a condition holds for what comes over HTTP: of the scheme, or of the server's own name."""
    words = {arg.strip("()\"'") for arg in condition.args}
    if "$host" in words:
        return place.server is not None and "=" in words and not words.isdisjoint(server_names(place.server))
    return any(map(_BY_SCHEME.match, words))


def _denied(nginx: Nginx) -> Iterator[Found]:
    blocks = {id(block): block for place in nginx.judged if (block := place.holder("allow", "deny"))}
    for block in blocks.values():
        rules = (each for each in block.directives if block.is_whole and each.name in ("allow", "deny"))
        for rule in islice(rules, MAX_RULES):
            who = rule.args[0] if rule.args else ""
            if rule.name == "allow" and (who == "all" or _is_wechat(who)):
                break
            if rule.name == "deny" and who == "all":
                yield Found("deny_wechat", rule, "allow 101.226.103.0/25;")
                break


def _is_wechat(who: str) -> bool:
    try:
        network: IPv4Network | IPv6Network = ip_network(who, strict=False)
    except ValueError:
        return who.startswith("$")
    return any(known.version == network.version and known.overlaps(network) for known in _WECHAT)


def _ports(nginx: Nginx) -> Iterator[Found]:
    servers = {id(server): server for place in nginx.judged if (server := place.server) and server.block}
    open_, closed = [], []
    for server in servers.values():
        block = server.block
        if block is None or "stub_status" in block.named:
            continue
        listens = [each for each in block.named.get("listen", ()) if each.args]
        ports = {_port(each.args[0]) for each in listens}
        if ports & _PORTS or not listens:
            open_.append(block)
        else:
            closed.append(listens[0])
    if not open_:
        yield from (Found("port_not_80_443", each, "listen 80;") for each in closed)


def _port(address: str) -> str:
    """The port of a `listen`: of `8080`, `*:8080`, `[::]:8080`; 80 where an address has none."""
    if address.isdigit():
        return address
    match = re.search(r":(\d+)(?:-\d+)?$", address.rpartition("]")[2] if "]" in address else address)
    return "80" if not match and not address.startswith("unix:") else match[1] if match else ""


def _paths(nginx: Nginx) -> Iterator[Found]:
    for place in nginx.callbacks:
        passed, location = place.passed, place.location
        if not (passed and location and passed.name == "proxy_pass" and passed.args and location.args):
            continue
        is_prefix = len(location.args) == 1 or location.args[0] in ("=", "^~")
        if is_prefix and location.args[-1] != "/" and re.fullmatch(r"\w+://[^/]+/", passed.args[0]):
            yield Found("path_rewritten", passed, f"proxy_pass {passed.args[0][:-1]};")


ARRIVAL: tuple[Check, ...] = (_redirects, _denied, _ports, _paths)
