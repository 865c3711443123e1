"""Leaves this machine for a callback, and for nothing else: the addresses of its name, and a line to one of them.

An address is checked when it is connected to, and the connection goes to that very address: a name that resolves to
something else a moment later changes nothing. No proxy is used, no redirect is followed.
"""

from __future__ import annotations

import contextlib
import errno
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http.client import HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlencode

from triage.errors import TriageError
from triage.message import Request, Response
from triage.platform.limits import ANSWER_DEADLINE
from triage.probe.guard import Guard, Target, refuse

TIMEOUT = ANSWER_DEADLINE.total_seconds()
MAX_BODY_BYTES = 256 * 1024
MAX_ADDRESSES = 8
WECHAT_DNS = ("182.254.116.116", 53)


class TransportProblem(StrEnum):
    """Why there was no answer; the ids of a cURL error are those of the contract."""

    NO_ADDRESS = "dns_failure"
    REFUSED = "curl_connect"
    CONNECT_TIMEOUT = "connect_timeout"
    NO_ROUTE = "no_route"
    TLS = "tls_failed"
    CERTIFICATE = "bad_certificate"
    TIMEOUT = "request_timeout"
    EMPTY = "curl_empty_reply"
    BROKEN = "curl_receive"
    NOT_HTTP = "not_http"
    TOO_LARGE = "too_large"


class UnreachableError(TriageError):
    """No connection, or no whole answer."""

    def __init__(self, problem: TransportProblem, detail: str, seconds: float) -> None:
        super().__init__(f"{problem}: {detail}")
        self.problem, self.detail, self.seconds = problem, detail, seconds


# -- names


class DnsProblem(StrEnum):
    """Why a name has no address."""

    UNKNOWN = "unknown"
    EMPTY = "empty"
    TIMEOUT = "timeout"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The addresses of a name, or why there are none, and how long it took."""

    addresses: tuple[str, ...]
    seconds: float
    problem: DnsProblem | None = None


def resolve_system(host: str, timeout: float = TIMEOUT) -> Resolution:
    """What this machine's own resolver says."""
    answers: list[tuple[str, ...] | DnsProblem] = []
    started = time.perf_counter()
    thread = threading.Thread(target=lambda: answers.append(_getaddrinfo(host)), daemon=True)
    thread.start()
    thread.join(timeout)
    seconds = time.perf_counter() - started
    answer = answers[0] if answers else DnsProblem.TIMEOUT
    return Resolution((), seconds, answer) if isinstance(answer, DnsProblem) else Resolution(answer, seconds)


def _getaddrinfo(host: str) -> tuple[str, ...] | DnsProblem:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as exc:
        return DnsProblem.UNKNOWN if exc.errno == socket.EAI_NONAME else DnsProblem.FAILED
    except (OSError, UnicodeError):
        return DnsProblem.FAILED
    return tuple(dict.fromkeys(str(item[4][0]) for item in found))


def find_address(target: Target, guard: Guard, resolve: Callable[[str], Resolution] = resolve_system) -> str:
    """The first address that may be connected to. Raises ForbiddenError, UnreachableError."""
    guard.admit(target)
    if target.is_address:
        guard.check(target.host)
        return target.host
    resolved = resolve(target.host)
    for address in resolved.addresses:
        if refuse(address, allow_private=guard.allow_private) is None:
            return address
    for address in resolved.addresses:
        guard.check(address)
    raise UnreachableError(
        TransportProblem.NO_ADDRESS, f"{target.host}: {resolved.problem}", resolved.seconds
    )


def ask_nameserver(
    host: str, nameserver: tuple[str, int] = WECHAT_DNS, timeout: float = TIMEOUT
) -> Resolution:
    """What one DNS server says, by default the one that WeChat's guide names (FAQ1.2)."""
    import dns.exception
    import dns.name
    import dns.resolver

    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [nameserver[0]], nameserver[1]
    addresses: list[str] = []
    problem: DnsProblem | None = None
    started = time.perf_counter()
    for type_ in ("A", "AAAA"):
        try:
            answer = resolver.resolve(
                dns.name.from_text(host), type_, raise_on_no_answer=False, lifetime=timeout, search=False
            )
            addresses += [item.to_text() for item in answer.rrset or ()]
        except dns.resolver.NXDOMAIN:
            problem = DnsProblem.UNKNOWN
        except dns.exception.Timeout:
            problem = DnsProblem.TIMEOUT
        except dns.exception.DNSException:
            problem = DnsProblem.FAILED
        if problem:
            break
    problem = None if addresses else problem or DnsProblem.EMPTY
    return Resolution(tuple(addresses), time.perf_counter() - started, problem)


# -- a line


def time_connect(target: Target, address: str, guard: Guard, timeout: float = TIMEOUT) -> float:
    """Seconds that TCP takes to one address. Raises ForbiddenError, UnreachableError."""
    connection, seconds = _dial(target, address, guard, timeout)
    connection.close()
    return seconds


def _dial(target: Target, address: str, guard: Guard, timeout: float) -> tuple[socket.socket, float]:
    """The one place that connects, behind the guard, to an address and never to a name."""
    guard.admit(target)
    guard.check(address)
    started = time.perf_counter()
    connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect((address, target.port))
        seconds = time.perf_counter() - started
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as exc:
        connection.close()
        raise UnreachableError(_connect_problem(exc), _words(exc), time.perf_counter() - started) from exc
    return connection, seconds


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the peer showed; `names` are those it is for."""

    names: tuple[str, ...]
    issuer: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer as it came, the seconds from the first byte sent to the last one read, and where a redirect points."""

    response: Response
    seconds: float
    location: str | None = None


class Connection:
    """One connection at a time to one address of the target, kept while the peer keeps it."""

    def __init__(
        self,
        target: Target,
        address: str,
        guard: Guard,
        *,
        timeout: float = TIMEOUT,
        tls: ssl.SSLContext | None = None,
        content_type: str = "text/xml",
    ) -> None:
        self._target, self._address, self._guard = target, address, guard
        self._timeout, self._content_type = timeout, content_type
        self._tls = (tls or ssl.create_default_context()) if target.scheme == "https" else None
        self._socket: socket.socket | None = None
        self._received = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def connect(self) -> float:
        """Open the line anew; the seconds TCP took. Raises ForbiddenError, UnreachableError."""
        self.close()
        connection, seconds = _dial(self._target, self._address, self._guard, self._timeout)
        self._socket = self._wrap(connection) if self._tls else connection
        return seconds

    def _wrap(self, connection: socket.socket) -> socket.socket:
        started = time.perf_counter()
        try:
            assert self._tls is not None  # noqa: S101 - the caller looked
            return self._tls.wrap_socket(connection, server_hostname=self._target.host)
        except (OSError, ValueError) as exc:
            connection.close()
            is_bad = isinstance(exc, ssl.SSLCertVerificationError)
            detail = exc.verify_message if isinstance(exc, ssl.SSLCertVerificationError) else _words(exc)
            problem = TransportProblem.CERTIFICATE if is_bad else TransportProblem.TLS
            raise UnreachableError(problem, detail, time.perf_counter() - started) from exc

    def certificate(self) -> Certificate | None:
        """What the peer showed on the open line; None without TLS."""
        if not isinstance(self._socket, ssl.SSLSocket):
            return None
        shown = self._socket.getpeercert(binary_form=True)
        return _read_certificate(shown) if shown else None

    def exchange(self, request: Request) -> HttpAnswer:
        """Send and read, all within the timeout. Raises ForbiddenError, UnreachableError."""
        sent = self._render(request)
        if self._socket is not None:
            try:
                return self._exchange(sent, request.method)
            except UnreachableError as exc:
                if exc.problem not in (TransportProblem.EMPTY, TransportProblem.BROKEN) or self._received:
                    raise  # else the peer had closed the line it kept: what a browser tries again
        self.connect()
        return self._exchange(sent, request.method)

    def _render(self, request: Request) -> bytes:
        path = self._target.path
        if request.query:
            path += ("&" if "?" in path else "?") + urlencode(request.query)
        head = f"{request.method} {path} HTTP/1.1\r\nHost: {self._target.authority}\r\n{_HEAD}"
        if request.method == "POST":
            head += f"Content-Type: {self._content_type}\r\nContent-Length: {len(request.body)}\r\n"
        return f"{head}\r\n".encode("ascii") + request.body

    def _exchange(self, sent: bytes, method: str) -> HttpAnswer:
        started = time.perf_counter()
        assert self._socket is not None  # noqa: S101 - connect has opened it
        stream = _Stream(self._socket, started + self._timeout)
        try:
            self._socket.settimeout(self._timeout)
            self._socket.sendall(sent)
            response = HTTPResponse(cast(Any, stream), method=method)
            response.begin()
            if stream.ended:
                raise IncompleteRead(b"")  # http.client takes a head that breaks off for a whole one
            body = response.read(MAX_BODY_BYTES + 1)
        except (OSError, HTTPException, ValueError) as exc:
            self.close()
            self._received = stream.received
            problem = _answer_problem(exc, stream.received)
            raise UnreachableError(problem, _words(exc), time.perf_counter() - started) from exc
        seconds = time.perf_counter() - started
        is_cut = response.length not in (None, 0)
        if response.will_close or is_cut:
            self.close()
        if len(body) > MAX_BODY_BYTES:
            raise UnreachableError(TransportProblem.TOO_LARGE, f"more than {MAX_BODY_BYTES:,} bytes", seconds)
        if is_cut:
            raise UnreachableError(TransportProblem.BROKEN, f"{response.length:,} bytes are missing", seconds)
        type_ = response.headers.get("Content-Type", "")
        return HttpAnswer(Response(response.status, body, type_), seconds, response.headers.get("Location"))

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None


_HEAD = "User-Agent: Mozilla/4.0\r\nAccept: */*\r\nConnection: keep-alive\r\n"


class _Stream(io.RawIOBase):
    """What http.client reads from: a socket with one deadline for the whole answer, however slowly it drips."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline = connection, deadline
        self.received = 0
        self.ended = False

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.perf_counter()
        if left <= 0:
            raise TimeoutError("the answer is not complete")
        self._connection.settimeout(left)
        size = self._connection.recv_into(buffer)
        self.received += size
        self.ended = self.ended or size == 0
        return size


def _connect_problem(exc: OSError) -> TransportProblem:
    if isinstance(exc, TimeoutError):
        return TransportProblem.CONNECT_TIMEOUT
    ours = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return TransportProblem.NO_ROUTE if exc.errno in ours else TransportProblem.REFUSED


def _answer_problem(exc: Exception, received: int) -> TransportProblem:
    if isinstance(exc, TimeoutError):
        return TransportProblem.TIMEOUT
    was_reset = isinstance(exc, ConnectionResetError) and not isinstance(exc, RemoteDisconnected)
    if isinstance(exc, OSError | IncompleteRead):
        return TransportProblem.BROKEN if received or was_reset else TransportProblem.EMPTY
    return TransportProblem.NOT_HTTP


def _words(exc: Exception) -> str:
    return (getattr(exc, "strerror", None) or str(exc) or type(exc).__name__)[:200]


def _read_certificate(shown: bytes) -> Certificate:
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(shown)
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(str(item.value) for item in extension)
    except (x509.ExtensionNotFound, ValueError):
        names = ()
    return Certificate(names, certificate.issuer.rfc4514_string(), certificate.not_valid_after_utc)
