"""Callbacks on loopback for the probe to examine: a healthy one, a stock one, and every illness; and a DNS server."""

from __future__ import annotations

import contextlib
import secrets
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask, abort, request
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidSignatureException
from wechatpy.utils import check_signature
from werkzeug.serving import make_server

from triage.channels.channel import Echo
from triage.channels.wechat.account import Account
from triage.channels.wechat.callback import receive, respond
from triage.errors import BadMessageError, RefusedError, UnreadableMessageError
from triage.message import Message, MessageKind, Reply, Request, Response

SAFE = Account("wx5a1b2c3d4e5f6071", "a-Token", "kZ3vQ8mB1nX6cL0pW5tR9yU2iO7sD4fG8hJ3kL6zXcV")
PLAIN = replace(SAFE, aes_key=None)
ACCOUNTS = {"plain": PLAIN, "compatible": SAFE, "safe": SAFE}


@dataclass(frozen=True)
class Raw:
    """Bytes in place of an answer, `step` at a time; then the connection is closed, or held until the test ends."""

    data: bytes = b""
    hold: bool = False
    step: int = 0
    pause: float = 0.0


Answer = Callable[[Request], Response | Raw]


def healthy(account: Account, say: Callable[[Message], str | None] | None = None) -> Answer:
    """A callback built on our own half of the protocol; it says a fan's text again."""

    def answer(request: Request) -> Response:
        now = datetime.now(UTC)
        try:
            came = receive(request, account, now)
        except RefusedError:
            return Response(403, b"refused")
        except UnreadableMessageError:
            return Response(200, b"success")
        except BadMessageError:
            return Response(400, b"no message")
        if isinstance(came, Echo):
            return Response(200, came.text.encode())
        text = say(came) if say else came.text if came.kind is MessageKind.TEXT else None
        return respond(Reply(text), came, account, now, request.query["nonce"], secrets.token_bytes(16))

    return answer


class Peer(ThreadingHTTPServer):
    """An HTTP server whose every answer is that of a function; it remembers what came."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.requests: list[Request] = []
        self.hosts: list[str] = []
        self.over = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/wx"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves early is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Peer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        came = Request(method, query, body)
        self.server.requests.append(came)
        self.server.hosts.append(self.headers["Host"])
        answer = self.server.answer(came)
        if isinstance(answer, Raw):
            self._send_raw(answer)
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        if 300 <= answer.status < 400:
            self.send_header("Location", answer.body.decode())
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _send_raw(self, raw: Raw) -> None:
        self.close_connection = True
        step = raw.step or len(raw.data) or 1
        for start in range(0, len(raw.data), step):
            self.wfile.write(raw.data[start : start + step])
            if raw.pause and self.server.over.wait(raw.pause):
                return
        if raw.hold:
            self.server.over.wait(10)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nothing: pytest shows what matters."""


@contextlib.contextmanager
def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """A peer that answers until the block ends."""
    peer = Peer(answer)
    if tls:
        peer.socket = tls.wrap_socket(peer.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=peer.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield peer
    finally:
        peer.over.set()
        peer.shutdown()
        thread.join()
        peer.server_close()


@contextlib.contextmanager
def stock_echo(account: Account) -> Iterator[str]:
    """The echo that wechatpy's documentation leads to, under Flask; its URL."""
    app = Flask("stock")
    crypto = WeChatCrypto(account.token, account.aes_key, account.appid)

    @app.route("/wx", methods=["GET", "POST"])
    def wechat() -> str:
        query = request.args
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        try:
            check_signature(account.token, query.get("signature", ""), timestamp, nonce)
            if request.method == "GET":
                return query.get("echostr", "")
            if "encrypt_type" not in query:
                return _stock_reply(request.data)
            xml = crypto.decrypt_message(request.data, query.get("msg_signature", ""), timestamp, nonce)
        except InvalidSignatureException:
            abort(403)
        reply = _stock_reply(xml)
        return reply if reply == "success" else str(crypto.encrypt_message(reply, nonce, timestamp))

    app.logger.disabled = True
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_quiet())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/wx"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _stock_reply(xml: bytes | str) -> str:
    message = parse_message(xml)
    return str(create_reply(message.content, message).render()) if message.type == "text" else "success"


def _quiet() -> type:
    from werkzeug.serving import WSGIRequestHandler

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Nothing."""

    return Quiet


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """A port that takes no connection any more: its queue is full, and nobody accepts."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


# -- DNS


class _Names(socketserver.BaseRequestHandler):
    server: DnsServer

    def handle(self) -> None:
        data, connection = self.request
        query = dns.message.from_wire(data)
        asked = query.question[0]
        name = asked.name.to_text(omit_final_dot=True)
        self.server.asked.append(name)
        known = self.server.names.get(name, dns.rcode.NXDOMAIN)
        if known is None:
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if isinstance(known, dns.rcode.Rcode):
            answer.set_rcode(known)
        else:
            of_type = [address for address in known if (":" in address) == (asked.rdtype.name == "AAAA")]
            if of_type:
                answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", asked.rdtype.name, *of_type))
        connection.sendto(answer.to_wire(), self.client_address)


class DnsServer(socketserver.UDPServer):
    """Addresses or an error by name; None is silence, and a name that is not there does not exist."""

    def __init__(self, names: Mapping[str, tuple[str, ...] | dns.rcode.Rcode | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Names)
        self.names = names
        self.asked: list[str] = []

    @property
    def place(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.server_address[1])


@contextlib.contextmanager
def dns_server(names: Mapping[str, tuple[str, ...] | dns.rcode.Rcode | None]) -> Iterator[DnsServer]:
    server = DnsServer(names)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# -- TLS


@dataclass(frozen=True)
class Authority:
    """Signs certificates, and is trusted by nobody but `trusting`."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    @classmethod
    def make(cls, folder: Path) -> Authority:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test's authority")])
        authority = cls(folder, ec.generate_private_key(ec.SECP256R1()), name)
        own = authority._build(name, authority.key, timedelta(days=365))
        (folder / "ca.pem").write_bytes(own.public_bytes(serialization.Encoding.PEM))
        return authority

    def _build(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, left: timedelta, *hosts: str
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(self.name)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=400)).not_valid_after(now + left)
        builder = builder.add_extension(x509.BasicConstraints(ca=not hosts, path_length=None), critical=True)
        if hosts:
            names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def serving(self, host: str, left: timedelta = timedelta(days=90), *more: str) -> ssl.SSLContext:
        """A server's context with a certificate that is for these hosts and valid for `left`."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        certificate = self._build(name, key, left, host, *more)
        file = self.folder / f"{host}-{left.days}-{len(more)}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
