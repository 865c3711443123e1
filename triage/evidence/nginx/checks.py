"""What in a configuration loses the platform's pushes, slows them, or hides that it does.

Each check is a generator over an `Nginx`; a directive is judged where it holds for the callback, so that what stands
in other locations does not count. Thresholds are those of the platform (an answer within 5 seconds) and of nginx.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from triage.evidence.nginx.problems import Found
from triage.evidence.nginx.scope import (
    PASSES,
    Scope,
    alike,
    callbacks,
    http_scope,
    scopes,
    seconds,
    size,
    whole_number,
)
from triage.evidence.nginx.tree import Directive, Tree
from triage.evidence.services.log_format import COMBINED

Version = tuple[int, int, int]
KEEPALIVE_BY_DEFAULT: Version = (1, 29, 7)
"""Since this version upstreams keep connections and speak HTTP/1.1 unless told otherwise."""
DEFAULT_CONNECTIONS, FEW_CONNECTIONS, MANY_CONNECTIONS = 512, 1024, 102_400
"""nginx's default; what is little before a backend; what the guide's sample has."""
LONGEST_READ, LONGEST_CONNECT = timedelta(seconds=5), timedelta(seconds=3)
SMALLEST_BODY = 64 << 10
_HIDING_LEVELS = frozenset({"crit", "alert", "emerg"})
_MAIN_ONLY = frozenset(
    {"http", "events", "worker_processes", "worker_rlimit_nofile", "user", "pid", "load_module"}
)
_TIMINGS = re.compile(r"\$\{?(request_time|upstream_response_time)\b")
_ADDRESS = re.compile(r"unix:|localhost\b|\[|[\w-]+(?:\.[\w-]+)+|[\w.-]+:\d+$")


@dataclass(frozen=True)
class Nginx:
    """A configuration with what all checks ask of it."""

    tree: Tree
    version: Version | None = None

    @cached_property
    def main(self) -> Scope:
        """The main context."""
        return Scope((self.tree.root,))

    @cached_property
    def http(self) -> Scope:
        """The block `http`, or the whole text where it is a part of one."""
        return http_scope(self.tree.root)

    @cached_property
    def places(self) -> tuple[Scope, ...]:
        """The servers and locations, and what stands inside them."""
        return tuple(scopes(self.http))

    @cached_property
    def callbacks(self) -> tuple[Scope, ...]:
        """The places that answer the callback; empty where nothing has a backend or sounds like it."""
        return callbacks(self.http, self.places)

    @cached_property
    def judged(self) -> tuple[Scope, ...]:
        """The callbacks; where there is none the servers, or the whole."""
        servers = tuple(place for place in self.places if place.owners[-1].name == "server")
        return self.callbacks or servers or (self.http,)

    @property
    def is_main(self) -> bool:
        """Whether this is the main file and no part that another one includes."""
        return not _MAIN_ONLY.isdisjoint(self.tree.root.named)

    @cached_property
    def upstreams(self) -> dict[str, Directive]:
        """The groups of servers by name."""
        return {each.args[0]: each for each in self.http.inner.named.get("upstream", ()) if each.args}

    @cached_property
    def formats(self) -> dict[str, Directive]:
        """The log formats by name."""
        scopes = (self.main, self.http)
        return {
            each.args[0]: each
            for scope in scopes
            for each in scope.inner.named.get("log_format", ())
            if each.args
        }

    def effective(self, *names: str) -> Iterator[tuple[Scope, tuple[Directive, ...]]]:
        """The directives of these names that hold for the callback, once for each block that has them, and where."""
        seen: set[int] = set()
        for place in self.judged:
            block = place.holder(*names)
            if block and id(block) not in seen:
                seen.add(id(block))
                yield place, alike(block, *names)

    def each_effective(self, *names: str) -> Iterator[Directive]:
        """The directives of `effective`, one by one."""
        for _, directives in self.effective(*names):
            yield from directives


Check = Callable[[Nginx], Iterator[Found]]


def _refused(nginx: Nginx) -> Iterator[Found]:
    if not nginx.is_main:
        return
    for name in ("log_format", "access_log"):
        for each in nginx.tree.root.named.get(name, ()):
            yield Found("outside_http", each, f"http {{ {each} }}")


def _unknown_format(nginx: Nginx) -> Iterator[Found]:
    if not (nginx.is_main and nginx.http.is_whole):
        return
    for place in (nginx.main, nginx.http, *nginx.places):
        for log in place.inner.named.get("access_log", ()):
            name = _format_of(log)
            if name not in nginx.formats and name not in ("combined", "off") and "$" not in name:
                yield Found("unknown_log_format", log, _with_format(Directive("log_format", (name,), "", 0)))


def _descriptors(nginx: Nginx) -> Iterator[Found]:
    events = nginx.tree.root.named.get("events", ())
    if not events or not events[0].block:
        return
    connections = Scope((events[0].block,)).value("worker_connections")
    rlimit = nginx.main.value("worker_rlimit_nofile")
    number = whole_number(connections.args[0]) if connections else DEFAULT_CONNECTIONS
    if number is None or not (connections or events[0].block.is_whole):
        return
    enough = 2 * (number if number > FEW_CONNECTIONS else MANY_CONNECTIONS)
    if any(place.passed for place in nginx.places) and number <= FEW_CONNECTIONS:
        yield Found("connections_low", connections or events[0], f"worker_connections {MANY_CONNECTIONS};")
    elif number > FEW_CONNECTIONS or not rlimit:
        enough = 2 * number
    if rlimit:
        limit = whole_number(rlimit.args[0])
        if limit is not None and limit < 2 * number:
            yield Found("rlimit_low", rlimit, f"worker_rlimit_nofile {enough};")
    elif number >= FEW_CONNECTIONS and connections:
        yield Found("rlimit_low", connections, f"worker_rlimit_nofile {enough};")


def _timeouts(nginx: Nginx) -> Iterator[Found]:
    for place in nginx.judged:
        kinds = [place.passed.name.removesuffix("_pass")] if place.passed else ["proxy", "fastcgi", "uwsgi"]
        for kind in kinds:
            read, connect = (place.value(f"{kind}_{what}_timeout") for what in ("read", "connect"))
            if read and (seconds(read.args[0]) or timedelta()) >= LONGEST_READ:
                yield Found("read_timeout_over_5s", read, f"{kind}_read_timeout 4s;")
            elif not read and place.passed and place.is_whole:
                yield Found("read_timeout_over_5s", place.passed, f"{kind}_read_timeout 4s;")
            if connect and (seconds(connect.args[0]) or timedelta()) >= LONGEST_CONNECT:
                yield Found("connect_timeout_over_3s", connect, f"{kind}_connect_timeout 1s;")


def _keepalive(nginx: Nginx) -> Iterator[Found]:
    if nginx.version and nginx.version >= KEEPALIVE_BY_DEFAULT:
        return
    for place in nginx.callbacks:
        if not place.passed or place.passed.name != "proxy_pass" or not place.passed.args:
            continue
        host = re.sub(r"^\w+://|(?<!:)/.*$", "", place.passed.args[0])
        upstream = nginx.upstreams.get(host)
        if upstream is None:
            if "$" not in host and ((nginx.is_main and nginx.http.is_whole) or _ADDRESS.match(host)):
                group = f"upstream wx_app {{ server {host}; keepalive 64; }}"
                yield Found("no_upstream_keepalive", place.passed, f"{group} proxy_pass http://wx_app;")
        elif upstream.block and not (keepalive := upstream.block.named.get("keepalive")):
            if upstream.block.is_whole:
                yield Found("no_upstream_keepalive", upstream, f"upstream {host} {{ … keepalive 64; }}")
        elif upstream.block and keepalive and place.is_whole and not _keeps(place):
            fix = 'proxy_http_version 1.1; proxy_set_header Connection "";'
            yield Found("keepalive_ineffective", keepalive[0], fix)


def _keeps(place: Scope) -> bool:
    version = place.value("proxy_http_version")
    headers = [each.args for each in place.effective("proxy_set_header") if len(each.args) == 2]
    return bool(version and version.args[0] != "1.0") and any(
        name.lower() == "connection" and not value for name, value in headers
    )


def _logs(nginx: Nginx) -> Iterator[Found]:
    for _, logs in nginx.effective("access_log"):
        formats = [nginx.formats.get(_format_of(log)) for log in logs]
        if not any(found and _is_timed(found) for found in formats):
            yield from (
                each for log, found in zip(logs, formats, strict=True) for each in _untimed(log, found)
            )
        for log in logs:
            options = {arg.partition("=")[0] for arg in log.args[1:]}
            if options & {"buffer", "gzip"} and "flush" not in options:
                yield Found("log_buffer_no_flush", log, str(log).removesuffix(";") + " flush=5s;")


def _untimed(log: Directive, format_: Directive | None) -> Iterator[Found]:
    name = _format_of(log)
    if name == "off" or log.args[0] == "/dev/null":
        yield Found("access_log_off", log, "access_log /var/log/nginx/access.log wx;")
    elif format_:
        yield Found("no_request_time", format_, _with_format(format_))
    elif name == "combined":
        fix = f"access_log {log.args[0]} wx; " + _with_format(Directive("log_format", ("wx",), "", 0))
        yield Found("no_request_time", log, fix)


def _format_of(log: Directive) -> str:
    """The name of an access_log's format; `off` where nothing is logged."""
    if not log.args or log.args[0] == "off":
        return "off"
    return log.args[1] if len(log.args) > 1 and not log.args[1].startswith("if=") else "combined"


def _is_timed(format_: Directive) -> bool:
    return len(set(_TIMINGS.findall(" ".join(format_.args[1:])))) == 2


def _with_format(format_: Directive) -> str:
    """A log_format that has the two timings."""
    texts = [arg for arg in format_.args[1:] if not arg.startswith("escape=")]
    options = "".join(f"{arg} " for arg in format_.args[1:] if arg.startswith("escape="))
    text = "".join(texts) or COMBINED
    if text.rstrip().endswith("}"):
        times = '"request_time":"$request_time","upstream_response_time":"$upstream_response_time"'
        return f"log_format {format_.args[0]} {options}'{text.rstrip()[:-1].rstrip().rstrip(',')},{times}}}';"
    return f"log_format {format_.args[0]} {options}'{text.rstrip()} $request_time $upstream_response_time';"


def _error_logs(nginx: Nginx) -> Iterator[Found]:
    for _, held in nginx.effective("error_log"):
        logs = [log for log in held if log.args]
        levels = [log.args[1] if len(log.args) > 1 else "error" for log in logs]
        for log, level in zip(logs, levels, strict=True):
            fixed = log.args[0] if log.args[0] not in ("off", "/dev/null") else "/var/log/nginx/error.log"
            if log.args[0] == "off":
                yield Found("error_log_off", log, f"error_log {fixed} warn;")
            if level in _HIDING_LEVELS and _HIDING_LEVELS.issuperset(levels):
                yield Found("error_level_hides", log, f"error_log {fixed} warn;")


def _hidden_failures(nginx: Nginx) -> Iterator[Found]:
    kinds = [name.removesuffix("_pass") for name in PASSES]
    for each in nginx.each_effective(*(f"{kind}_ignore_client_abort" for kind in kinds)):
        if each.args == ("on",):
            yield Found("hides_499", each, f"{each.name} off;")
    for each in nginx.each_effective("error_page"):
        if any(re.fullmatch(r"=2\d\d", arg) for arg in each.args):
            kept = tuple(arg for arg in each.args if not arg.startswith("=2"))
            yield Found("masks_errors", each, str(Directive(each.name, kept, "", 0)))


def _limits(nginx: Nginx) -> Iterator[Found]:
    exempt = {
        each.args[-1] for name in ("map", "geo") for each in nginx.http.inner.named.get(name, ()) if each.args
    }
    zones = {
        arg.partition(":")[0]: each.args[0]
        for name in ("limit_req_zone", "limit_conn_zone")
        for each in nginx.http.inner.named.get(name, ())
        for arg in each.args[1:]
        if arg.startswith("zone=")
    }
    for name in ("limit_req", "limit_conn"):
        for place, held in nginx.effective(name):
            dry = place.value(f"{name}_dry_run")
            for each in held if not dry or dry.args[0] != "on" else ():
                zone = next(
                    (arg for arg in each.args if arg.startswith("zone=")), f"zone={''.join(each.args[:1])}"
                )
                if zones.get(zone) not in exempt:
                    yield Found("rate_limit_callback", each)
    for body in nginx.each_effective("client_max_body_size"):
        if body.args and 0 < (size(body.args[0]) or 0) < SMALLEST_BODY:
            yield Found("body_size_small", body, "client_max_body_size 1m;")


def _habits(nginx: Nginx) -> Iterator[Found]:
    for place in nginx.judged:
        conditions = [
            *place.inner.named.get("if", ()),
            *(owner for owner in place.owners[-1:] if owner.name == "if"),
        ]
        for each in conditions if place.location else ():
            if each.block and not all(map(_is_safe, each.block.directives)):
                yield Found("if_evil", each)
    for each in nginx.each_effective("proxy_buffering", "fastcgi_buffering", "uwsgi_buffering"):
        if each.args == ("off",):
            yield Found("buffering_off", each, f"{each.name} on;")


def _trust(nginx: Nginx) -> Iterator[Found]:
    for place in (nginx.http, *nginx.places):
        for each in place.inner.named.get("set_real_ip_from", ()):
            if each.args and each.args[0] in ("0.0.0.0/0", "::/0"):
                yield Found("real_ip_any", each, "set_real_ip_from 10.0.0.0/8;")
        for each in place.inner.named.get("ssl_protocols", ()):
            if each.args == ("TLSv1.3",):
                yield Found("tls13_only", each, "ssl_protocols TLSv1.2 TLSv1.3;")


def _is_safe(directive: Directive) -> bool:
    """Whether it may stand in an `if` of a location: https://nginx.org/en/docs/http/converting_rewrite_rules.html"""
    return directive.name == "return" or (directive.name == "rewrite" and directive.args[-1:] != ("break",))


CHECKS: tuple[Check, ...] = (
    _refused,
    _unknown_format,
    _descriptors,
    _timeouts,
    _keepalive,
    _logs,
    _error_logs,
    _hidden_failures,
    _limits,
    _habits,
    _trust,
)
