"""One HTTP connection to a callback, as the platform opens it: guarded, timed, without proxies and redirects.

An address is checked when it is connected to, and the connection goes to that very address: a name that resolves to
something else a moment later changes nothing.
"""

from __future__ import annotations

import contextlib
import errno
import io
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast
from urllib.parse import urlencode

from triage.errors import TransportProblem, UnreachableError
from triage.message import Request, Response
from triage.platform.limits import ANSWER_DEADLINE
from triage.probe.guard import Guard, Target
from triage.wording import Wording

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

TIMEOUT = ANSWER_DEADLINE.total_seconds()
MAX_BODY_BYTES = 256 * 1024
# OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
CERT_HAS_EXPIRED = 10
_DETAIL_CHARACTERS = 200
_HEADERS = "User-Agent: Mozilla/4.0\r\nAccept: */*\r\nConnection: keep-alive\r\n"


def read_head(stream: io.BufferedIOBase, method: str) -> HTTPResponse:
    """Read the head of an answer to a `method` request. Raises HTTPException, and what reading the stream raises.

    http.client and not a strict parser like h11: libcurl, which the platform uses, takes sloppy heads too.
    """
    response = HTTPResponse(cast(socket.socket, _Source(stream)), method=method)
    response.begin()
    return response


@dataclass(frozen=True, slots=True)
class _Source:
    """The one method of a socket that HTTPResponse calls."""

    stream: io.BufferedIOBase

    def makefile(self, mode: str) -> io.BufferedIOBase:
        return self.stream


def time_connect(target: Target, address: str, guard: Guard, timeout: float = TIMEOUT) -> float:
    """Seconds that TCP takes to one address. Raises ForbiddenError, UnreachableError."""
    connection, seconds = _dial(target, address, guard, timeout)
    connection.close()
    return seconds


def _dial(target: Target, address: str, guard: Guard, timeout: float) -> tuple[socket.socket, float]:
    """Connect to an address, never to a name, after the guard has admitted both; nothing else here connects."""
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
    """What the peer's certificate says; `names` are the hosts it is for."""

    names: tuple[str, ...]
    issuer: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer as it came, the seconds from the first byte sent to the last one read, and where a redirect points.

    `is_cut` tells that more came than its Content-Length says.
    """

    response: Response
    seconds: float
    location: str | None = None
    is_cut: bool = False


class Connection:
    """An HTTP connection to one address of the target: opened when first needed, kept alive while the peer keeps it."""

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

    def connect(self) -> socket.socket:
        """Open a new connection in place of the kept one. Raises ForbiddenError, UnreachableError."""
        self.close()
        connection, _ = _dial(self._target, self._address, self._guard, self._timeout)
        self._socket = self._wrap(connection, self._tls) if self._tls else connection
        return self._socket

    def _wrap(self, connection: socket.socket, tls: ssl.SSLContext) -> socket.socket:
        started = time.perf_counter()
        try:
            return tls.wrap_socket(connection, server_hostname=self._target.host)
        except ssl.SSLCertVerificationError as exc:
            connection.close()
            is_expired = exc.verify_code == CERT_HAS_EXPIRED
            problem = TransportProblem.EXPIRED if is_expired else TransportProblem.CERTIFICATE
            seconds = time.perf_counter() - started
            raise UnreachableError(problem, exc.verify_message, seconds, exc.verify_code) from exc
        except (OSError, ValueError) as exc:
            connection.close()
            seconds = time.perf_counter() - started
            raise UnreachableError(TransportProblem.TLS, _words(exc), seconds) from exc

    def certificate(self) -> Certificate | None:
        """The certificate of the open connection; None without TLS."""
        if not isinstance(self._socket, ssl.SSLSocket):
            return None
        shown = self._socket.getpeercert(binary_form=True)
        return _read_certificate(shown) if shown else None

    def exchange(self, request: Request) -> HttpAnswer:
        """Send a request and read its answer within the timeout. Raises ForbiddenError, UnreachableError.

        A kept connection that the peer has closed in the meantime is opened anew, as a browser does.
        """
        sent = self._render(request)
        if self._socket is not None:
            try:
                return self._exchange(self._socket, sent, request.method)
            except UnreachableError as exc:
                if exc.problem not in (TransportProblem.EMPTY, TransportProblem.BROKEN) or self._received:
                    raise
        return self._exchange(self.connect(), sent, request.method)

    def _render(self, request: Request) -> bytes:
        path = self._target.path
        if request.query:
            path += ("&" if "?" in path else "?") + urlencode(request.query)
        head = f"{request.method} {path} HTTP/1.1\r\nHost: {self._target.authority}\r\n{_HEADERS}"
        if request.method == "POST":
            head += f"Content-Type: {self._content_type}\r\nContent-Length: {len(request.body)}\r\n"
        return f"{head}\r\n".encode("ascii") + request.body

    def _exchange(self, connection: socket.socket, sent: bytes, method: str) -> HttpAnswer:
        started = time.perf_counter()
        stream = _Stream(connection, started + self._timeout)
        try:
            connection.settimeout(self._timeout)
            connection.sendall(sent)
            reader = _Reader(stream)
            response = read_head(reader, method)
            if stream.ended:
                raise IncompleteRead(b"")  # http.client takes a head that breaks off for a whole one
            body = response.read(MAX_BODY_BYTES + 1)
        except (OSError, HTTPException, ValueError) as exc:
            self.close()
            self._received = stream.received
            problem = _answer_problem(exc, stream.received)
            seconds = time.perf_counter() - started
            raise UnreachableError(problem, _words(exc), seconds, received=stream.received) from exc
        seconds = time.perf_counter() - started
        is_short = response.length not in (None, 0)
        has_more = response.length == 0 and bool(reader.rest().strip(b"\r\n"))
        if response.will_close or is_short or has_more:
            self.close()
        if len(body) > MAX_BODY_BYTES:
            raise UnreachableError(
                TransportProblem.TOO_LARGE,
                Wording("more than {most:,} bytes", most=MAX_BODY_BYTES),
                seconds,
            )
        if is_short:
            raise UnreachableError(
                TransportProblem.BROKEN,
                Wording("{length:,} bytes are missing", length=response.length),
                seconds,
                received=stream.received,
            )
        type_ = response.headers.get("Content-Type", "")
        location = response.headers.get("Location")
        return HttpAnswer(Response(response.status, body, type_), seconds, location, has_more)

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None


class _Stream(io.RawIOBase):
    """Reads from a socket under one deadline for the whole answer, however few bytes come at a time."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline = connection, deadline
        self.received = 0
        self.ended = False
        self.is_over = False
        """Set where nothing more may be read."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        if self.is_over:
            return 0
        left = self._deadline - time.perf_counter()
        if left <= 0:
            raise TimeoutError(Wording("the answer is not complete"))
        self._connection.settimeout(left)
        size = self._connection.recv_into(buffer)
        self.received += size
        self.ended = self.ended or size == 0
        return size


class _Reader(io.BufferedReader):
    """Reads ahead, and knows what it has read behind the body."""

    def __init__(self, stream: _Stream) -> None:
        super().__init__(stream)
        self._stream = stream

    def close(self) -> None:
        """Stay open: http.client closes at the end of a body."""

    def rest(self) -> bytes:
        """The bytes that came behind the body and were read ahead with it; the stream is read no further."""
        self._stream.is_over = True
        return self.peek()


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
    if exc.args and isinstance(exc.args[0], Wording):
        return exc.args[0]
    return (getattr(exc, "strerror", None) or str(exc) or type(exc).__name__)[:_DETAIL_CHARACTERS]


def _read_certificate(shown: bytes) -> Certificate:
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(shown)
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(str(item.value) for item in extension)
    except (x509.ExtensionNotFound, ValueError):
        names = ()
    return Certificate(names, certificate.issuer.rfc4514_string(), certificate.not_valid_after_utc)
