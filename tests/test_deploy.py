"""The files of deploy/, checked as far as that can be done without a container."""

from __future__ import annotations

import configparser
import fnmatch
import json
import os
import re
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import crossplane
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask
from packaging.requirements import Requirement

from tests.support.paths import ROOT
from triage.channels.wechat.callback import MAX_BODY_BYTES
from triage.settings import load_settings
from triage.settings.model import Settings
from triage.web import create_app

DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "triage@.service"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETTING = re.compile(r"TRIAGE_[A-Z_]+[A-Z]")
KNOWN = {f"TRIAGE_{field.upper()}" for field in Settings.model_fields}
SERVER = (ROOT / "triage/web/serving/server.py").read_text(encoding="utf-8")
GRACE = int(re.findall(r"(?m)^_STOP_SECONDS = (\d+)", SERVER)[0])
AES_KEY = "A" * 43


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The real application."""
    database = tmp_path_factory.mktemp("routes") / "triage.db"
    return create_app(load_settings({"TRIAGE_DATABASE_URL": f"sqlite:///{database}"})).pages


@pytest.fixture(scope="module")
def routes(app: Flask) -> set[str]:
    """Its routes, but for the callback, which stands before them."""
    return {rule.rule for rule in app.url_map.iter_rules()}


PAGES = [ROOT / name for name in ("docs/operations.md", "README.md", "README.zh-CN.md")]
DESCRIBED = [*(file for file in sorted(DEPLOY.iterdir()) if file.is_file()), *PAGES]


@pytest.mark.parametrize("file", DESCRIBED, ids=lambda file: file.name)
def test_every_setting_that_is_named_is_one(file: Path) -> None:
    named = {name.removesuffix("_FILE") for name in SETTING.findall(file.read_text(encoding="utf-8"))}
    assert named <= KNOWN


def test_operations_names_every_setting() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert set(SETTING.findall(page)) >= KNOWN


def test_operations_names_real_routes_and_metrics(routes: set[str]) -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(/(?:healthz|readyz|metrics|api/\w+))`", page)) <= routes
    source = (ROOT / "triage/web/metrics.py").read_text(encoding="utf-8")
    for name in re.findall(r"`triage_(\w+)`", page):
        assert f'"{name.removesuffix("_total")}"' in source or f'"triage_{name}"' in source, name


# -- nginx


def _nginx(name: str = "nginx.conf") -> list[dict[str, Any]]:
    parsed = crossplane.parse(str(DEPLOY / name), strict=True, catch_errors=True, comments=False)
    assert parsed["errors"] == []
    tree: list[dict[str, Any]] = parsed["config"][0]["parsed"]
    return tree


def _blocks(tree: Sequence[dict[str, Any]], *path: str) -> list[dict[str, Any]]:
    """The directives at a path of names: every `http` → `server` → `listen`, for example."""
    found = [item for item in tree if item["directive"] == path[0]]
    if len(path) == 1:
        return found
    return [deeper for item in found for deeper in _blocks(item.get("block", []), *path[1:])]


def _values(tree: Sequence[dict[str, Any]], *path: str) -> list[list[str]]:
    return [item["args"] for item in _blocks(tree, *path)]


def _location(tree: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    (location,) = [item for item in _blocks(tree, "http", "server", "location") if "proxy_pass" in str(item)]
    block: list[dict[str, Any]] = location["block"]
    return block


def _seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(ms|s)", text).groups()  # type: ignore[union-attr]  # else it fails here
    return int(number) / {"ms": 1000, "s": 1}[unit]


def test_nginx_has_descriptors_for_both_sides_of_each_connection() -> None:
    tree = _nginx()
    (((limit,),), ((connections,),)) = (
        _values(tree, "worker_rlimit_nofile"),
        _values(tree, "events", "worker_connections"),
    )
    assert int(limit) >= 2 * int(connections)


def test_nginx_has_no_slashes_for_comments() -> None:
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    assert not re.search(r"(?m)(^|[\s;])//", text)


def test_nginx_logs_both_times_and_no_query_inside_http() -> None:
    tree = _nginx()
    assert not _blocks(tree, "log_format") + _blocks(tree, "access_log")
    ((name, *parts),) = _values(tree, "http", "log_format")
    assert {"$request_time", "$upstream_response_time", "$status", "$upstream_status"} <= set(
        "".join(parts).split()
    )
    logged = set(re.findall(r"\$\w+", "".join(parts)))
    assert not logged & {"$request", "$request_uri", "$args", "$query_string", "$http_referer"}
    assert [args[1] for args in _values(tree, "http", "access_log")] == [name]


def test_nginx_answers_before_wechat_hangs_up() -> None:
    location = _location(_nginx())
    limit = {
        name: _seconds(_values(location, f"proxy_{name}")[0][0])
        for name in ("connect_timeout", "read_timeout", "send_timeout", "next_upstream_timeout")
    }
    assert limit["connect_timeout"] + limit["send_timeout"] < 5
    assert limit["next_upstream_timeout"] + limit["connect_timeout"] + limit["read_timeout"] < 5


def test_nginx_keeps_connections_to_the_bot() -> None:
    tree = _nginx()
    assert _blocks(tree, "http", "upstream", "keepalive")
    ((idle,),) = _values(tree, "http", "upstream", "keepalive_timeout")
    assert _seconds(idle) < int(re.findall(r"(?m)^_KEEP_ALIVE_SECONDS = (\d+)", SERVER)[0]), (
        "who closes first must be nginx"
    )
    location = _location(tree)
    assert _values(location, "proxy_http_version") == [["1.1"]]
    assert ["Connection", ""] in _values(location, "proxy_set_header")
    (retried,) = _values(location, "proxy_next_upstream")
    assert "non_idempotent" in retried, "a connection the bot has just closed fails a POST"


def test_nginx_takes_no_more_than_the_bot() -> None:
    assert _values(_nginx(), "http", "client_max_body_size") == [[f"{MAX_BODY_BYTES // 1024}k"]]


def test_nginx_shows_the_callback_only() -> None:
    locations = {item["args"][-1]: item["block"] for item in _blocks(_nginx(), "http", "server", "location")}
    assert set(locations) == {"/", "/callback/"}
    assert _values(locations["/"], "return") == [["404"]]


def test_nginx_tells_the_bot_the_real_address() -> None:
    headers = dict(_values(_location(_nginx()), "proxy_set_header"))
    assert headers["X-Forwarded-For"] == "$remote_addr"
    assert headers["Host"] == "$host"
    assert headers["X-Forwarded-Proto"] == "$scheme"


@pytest.mark.parametrize("item", ["FAQ2.4", "A3.4", "E.2", "E.3", "E.6", "F.15"])
def test_nginx_says_which_item_of_the_guide_it_follows(item: str) -> None:
    assert item in (DEPLOY / "nginx.conf").read_text(encoding="utf-8")


NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


class _Backend(BaseHTTPRequestHandler):
    """Answers with what it was told."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        size = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        told = {"path": self.path, "size": size, "peer": self.client_address[1], **dict(self.headers.items())}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Nothing: tests are quiet."""


@dataclass(frozen=True, slots=True)
class _Proxy:
    """A running nginx with our settings, on other ports."""

    port: int
    certificate: Path
    log: Path
    problems: str

    def post(self, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, Any]]:
        trust = ssl.create_default_context(cafile=str(self.certificate))
        connection = HTTPSConnection("localhost", self.port, timeout=5, context=trust)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(content) if answer.status == 200 else {}


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "fullchain.pem", folder / "privkey.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files[1].write_bytes(private)
    return files


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Proxy]:
    """nginx with our settings, on loopback ports and in folders of its own, before a small backend."""
    assert NGINX is not None
    folder = tmp_path_factory.mktemp("nginx")
    _certificate(folder)
    plain, tls = _free_ports(2)
    backend = ThreadingHTTPServer(("127.0.0.1", 0), _Backend)
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for old, new in {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{tls} ssl;",
        "127.0.0.1:8080": f"127.0.0.1:{backend.server_address[1]}",
        "127.0.0.1:8081": f"127.0.0.1:{backend.server_address[1]}",
        "/etc/nginx/tls/": f"{folder}/",
        "/var/log/nginx/": f"{folder}/",
        "/run/nginx.pid": f"{folder}/nginx.pid",
        "server_tokens off;": "server_tokens off;"
        + "".join(f" {kind}_temp_path {folder}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
        + f" client_body_temp_path {folder}/body;",
    }.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    checked = subprocess.run(
        [*command, "-e", "stderr", "-t"], capture_output=True, text=True, timeout=20, check=False
    )
    assert checked.returncode == 0, checked.stderr
    thread = threading.Thread(target=backend.serve_forever, args=(0.01,))
    thread.start()
    server = subprocess.Popen([*command, "-e", "stderr", "-g", "daemon off;"], stderr=subprocess.DEVNULL)
    try:
        _wait_for(tls)
        yield _Proxy(tls, folder / "fullchain.pem", folder / "access.log", checked.stderr)
    finally:
        server.terminate()
        server.wait(10)
        backend.shutdown()
        backend.server_close()
        thread.join()


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    pytest.fail("nginx does not listen")


@needs_nginx
def test_nginx_accepts_its_settings_without_a_warning(proxy: _Proxy) -> None:
    lines = [line for line in proxy.problems.splitlines() if "setrlimit" not in line]
    assert not [line for line in lines if "[warn]" in line or "[emerg]" in line]
    assert "test is successful" in proxy.problems


@needs_nginx
@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/readyz", "/api/incidents", "/callbacks", "/x/../api/triage"]
)
def test_nginx_hides_what_is_not_the_callback(proxy: _Proxy, path: str) -> None:
    assert proxy.post(path)[0] == 404


@needs_nginx
def test_nginx_passes_a_push_with_the_real_address(proxy: _Proxy) -> None:
    forged = {"X-Forwarded-For": "203.0.113.1", "X-Forwarded-Proto": "http"}
    status, told = proxy.post("/callback/wechat?signature=5ec4e7&openid=oAbc", b"x" * 1000, **forged)
    assert (status, told["path"]) == (200, "/callback/wechat?signature=5ec4e7&openid=oAbc")
    assert (told["X-Forwarded-For"], told["X-Forwarded-Proto"]) == ("127.0.0.1", "https")
    peers = {proxy.post("/callback/wechat")[1]["peer"] for _ in range(20)}
    assert len(peers) < 20, "connections to the bot are kept, by each of nginx's workers for itself"


@needs_nginx
@pytest.mark.parametrize(("size", "status"), [(MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 1, 413)])
def test_nginx_refuses_what_is_too_large(proxy: _Proxy, size: int, status: int) -> None:
    assert proxy.post("/callback/wechat", b"x" * size)[0] == status


@needs_nginx
def test_nginx_logs_times_and_no_secret(proxy: _Proxy) -> None:
    proxy.post("/callback/wechat?signature=5ec4e7", b"", **{"User-Agent": "the last one"})
    for _ in range(200):  # the line is written after the answer
        line = proxy.log.read_text(encoding="utf-8").strip().rpartition("\n")[2]
        if "the last one" in line:
            break
        time.sleep(0.02)
    assert '"POST /callback/wechat HTTP/1.1" 200' in line
    assert "5ec4e7" not in line
    assert re.search(r" 200 0\.\d{3} 0\.\d{3}$", line)


# -- compose


def _compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))
    return loaded


NODES = ("node1", "node2")


def test_nginx_knows_every_node_of_compose_and_of_the_unit() -> None:
    ports = [_compose()["services"][node]["ports"][0].rsplit(":", 1)[0] for node in NODES]
    upstream = [item["args"][0] for item in _blocks(_nginx(), "http", "upstream", "server")]
    assert upstream == ports
    assert " ".join(f"triage@{port.rsplit(':')[1]}" for port in ports) in UNIT.read_text(encoding="utf-8")


def test_compose_has_the_bot_its_database_and_a_single_upgrade() -> None:
    services = _compose()["services"]
    assert set(services) == {*NODES, "upgrade", "db"}
    assert services["upgrade"]["command"] == ["db", "upgrade"]
    assert services["upgrade"]["restart"] == "no"
    for node in NODES:
        assert services[node]["depends_on"]["upgrade"]["condition"] == "service_completed_successfully"
    assert services["upgrade"]["depends_on"]["db"]["condition"] == "service_healthy"


@pytest.mark.parametrize("name", [*NODES, "db"])
def test_every_service_that_stays_up_is_looked_after(name: str, routes: set[str]) -> None:
    service = _compose()["services"][name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"
    if name in NODES:
        assert set(_local_paths(str(service["healthcheck"]["test"]))) == {"/healthz"} <= routes


def test_compose_shows_no_secret_and_opens_no_port_to_the_world() -> None:
    compose = _compose()
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"TOKEN|SECRET|KEY|PASSWORD|DATABASE_URL", name):
                assert name.endswith("_FILE")
                assert value == f"/run/secrets/{Path(value).name}"
                assert Path(value).name in service["secrets"]
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert all(secret == {"file": f"secrets/{name}"} for name, secret in compose["secrets"].items())


def test_the_bot_of_compose_has_no_privileges() -> None:
    for name in (*NODES, "upgrade"):
        service = _compose()["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["build"] == {"context": "..", "dockerfile": "deploy/Dockerfile"}


ANSWERS = f"wx352e1c916f58ea3b\nthe-token\n{AES_KEY}\n5ec4e7\n"


def _make_secrets(folder: Path, answers: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(DEPLOY / "make-secrets.sh", folder)
    return subprocess.run(
        ["sh", str(folder / "make-secrets.sh")],
        input=answers,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_the_settings_of_compose_are_accepted_with_the_secrets_that_are_made(tmp_path: Path) -> None:
    assert _make_secrets(tmp_path, ANSWERS).returncode == 0
    dotenv = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
    compose = _compose()
    environment = {
        name: _substituted(str(value), dotenv).replace("/run/secrets", str(tmp_path / "secrets"))
        for name, value in compose["services"]["node1"]["environment"].items()
    }
    settings = load_settings(environment)
    (account,) = settings.all_wechat_accounts
    assert account.appid == "wx352e1c916f58ea3b"
    password = (tmp_path / "secrets/db_password").read_text()
    assert settings.database_url == f"postgresql+psycopg://triage:{password}@db:5432/triage"
    assert {file.name for file in (tmp_path / "secrets").iterdir()} == set(compose["secrets"])


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_secrets_are_made_once_and_lie_in_a_closed_folder(tmp_path: Path) -> None:
    half = _make_secrets(tmp_path, "wx352e1c916f58ea3b\n")
    assert half.returncode == 2
    assert "must not be empty" in half.stderr
    assert _make_secrets(tmp_path, ANSWERS.split("\n", 1)[1]).returncode == 0
    first = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert _make_secrets(tmp_path, "").returncode == 0
    assert {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()} == first
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    ignored = (DEPLOY / ".gitignore").read_text().split()
    assert {"/secrets/", "/.env"} <= set(ignored)


def _substituted(text: str, values: dict[str, str]) -> str:
    """`${NAME:-default}` and `${NAME:?message}` as compose reads them."""
    return re.sub(
        r"\$\{(\w+):([-?])([^}]*)\}",
        lambda match: values.get(match[1]) or (match[3] if match[2] == "-" else pytest.fail(match[3])),
        text,
    )


# -- systemd


def _unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(
        strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#", ";")
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case, as documented
    parser.read(UNIT, encoding="utf-8")
    return parser


@pytest.mark.parametrize(
    ("name", "value"),
    {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "DynamicUser": "yes",
        "StateDirectory": "triage",
        "WorkingDirectory": "/var/lib/triage",
        "EnvironmentFile": "/etc/triage/triage.env",
        "Restart": "on-failure",
        "CapabilityBoundingSet": "",
        "UMask": "0077",
    }.items(),
    ids=str,
)
def test_the_unit_is_hardened(name: str, value: str) -> None:
    assert _unit()["Service"][name] == value


def test_the_unit_starts_the_service_and_lets_it_finish() -> None:
    service = _unit()["Service"]
    assert service["ExecStart"].split("/")[-1] == "triage serve --port %i"
    assert GRACE < int(service["TimeoutStopSec"]) <= 60
    assert int(_compose()["services"]["node1"]["stop_grace_period"].removesuffix("s")) > GRACE
    assert _unit()["Install"]["WantedBy"] == "multi-user.target"


def test_no_value_of_the_unit_has_a_comment_behind_it() -> None:
    unit = _unit()
    assert not [value for section in unit.sections() for value in unit[section].values() if " #" in value]


ANALYZE = shutil.which("systemd-analyze")


def _analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """systemd's opinion of the unit; it wants the program to be there."""
    assert ANALYZE is not None
    text = UNIT.read_text(encoding="utf-8").replace("/opt/triage/bin/triage", "/bin/true")
    (folder / "triage@8080.service").write_text(text, encoding="utf-8")
    command = [ANALYZE, *arguments, str(folder / "triage@8080.service")]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    verified = _analyze(tmp_path, "verify")
    assert (verified.returncode, verified.stderr.strip()) == (0, "")


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not installed")
def test_systemd_finds_little_exposed(tmp_path: Path) -> None:
    judged = _analyze(tmp_path, "security", "--offline=true", "--threshold=20", "--no-pager")
    if "unrecognized option" in judged.stderr:
        pytest.skip("this systemd cannot judge a file")
    assert judged.returncode == 0, judged.stdout


# -- the container file


def _instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text))
    pairs = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [(name, " ".join(rest.split())) for name, rest in pairs]


def _final_stage() -> list[tuple[str, str]]:
    instructions = _instructions()
    last = max(index for index, (name, _) in enumerate(instructions) if name == "FROM")
    return instructions[last:]


def _copied() -> list[str]:
    """What the container file takes from the tree."""
    copies = [
        rest.split() for name, rest in _instructions() if name == "COPY" and not rest.startswith("--from=")
    ]
    return [source for parts in copies for source in parts[:-1]]


def _local_paths(command: str) -> list[str]:
    return re.findall(r"http://127\.0\.0\.1:8080(/\w+)", command)


def _is_ignored(path: str) -> bool:
    """As the engine reads an ignore file: the last pattern that fits decides."""
    ignored = False
    for line in (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        bare = pattern.removeprefix("!").removeprefix("**/")
        parts = Path(path).parts
        prefixes = ["/".join(parts[: index + 1]) for index in range(len(parts))]
        anywhere = parts if "**/" in pattern else ()
        if any(fnmatch.fnmatch(candidate, bare) for candidate in (*prefixes, *anywhere)):
            ignored = not pattern.startswith("!")
    return ignored


def test_the_container_file_knows_its_instructions() -> None:
    known = {
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "ENV",
        "VOLUME",
        "USER",
        "EXPOSE",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    }
    assert {name for name, _ in _instructions()} <= known
    stages = [rest.split() for name, rest in _instructions() if name == "FROM"]
    assert [stage[1:] for stage in stages] == [["AS", "build"], []]
    assert {stage[0] for stage in stages} == {"python:3.12-slim"}
    assert "Programming Language :: Python :: 3.12" in PROJECT["project"]["classifiers"]


def test_the_container_reads_pictures() -> None:
    version = _final_stage()[0][1].removeprefix("python:").removesuffix("-slim")
    for line in PROJECT["project"]["optional-dependencies"]["pictures"]:
        marker = Requirement(line).marker
        assert marker is None or marker.evaluate({"python_version": version}), line


def test_the_container_gets_all_that_the_wheel_is_made_of() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    project = PROJECT["project"]
    texts = {project["readme"], *project["license-files"]}
    locks = {"requirements.lock", "requirements-dev.lock"}
    needed = {"pyproject.toml", *locks, *texts, *wheel["packages"], *wheel["force-include"]}
    assert set(_copied()) == needed
    for source in _copied():
        assert (ROOT / source).exists()
        assert not _is_ignored(source)


@pytest.mark.parametrize(
    "path",
    [".git/config", "deploy/secrets/api_key", "deploy/.env", "triage.db", ".venv/bin/python", "tests/x.py"],
)
def test_what_is_not_copied_is_not_sent_to_the_engine(path: str) -> None:
    assert _is_ignored(path)
    assert _is_ignored("triage/__pycache__/x.pyc")
    assert not _is_ignored("triage/web/app.py")


def test_the_container_runs_as_nobody_special() -> None:
    stage = _final_stage()
    users = [rest for name, rest in stage if name == "USER"]
    assert users == ["10001:10001"]
    order = [name for name, _ in stage]
    assert order.index("RUN") < order.index("USER") < order.index("ENTRYPOINT")
    assert [json.loads(rest) for name, rest in stage if name in ("ENTRYPOINT", "CMD")] == [
        ["triage"],
        ["serve"],
    ]


def test_the_container_is_asked_whether_it_lives(routes: set[str]) -> None:
    (check,) = [rest for name, rest in _final_stage() if name == "HEALTHCHECK"]
    assert _local_paths(check) == ["/healthz"]
    assert "/healthz" in routes
    command = json.loads(check.split(" CMD ", 1)[1])
    compile(command[-1], "HEALTHCHECK", "exec")
    assert command == _compose()["services"]["node1"]["healthcheck"]["test"][1:]


def test_the_container_listens_where_it_says() -> None:
    (values,) = [rest for name, rest in _final_stage() if name == "ENV"]
    environment = dict(pair.split("=", 1) for pair in values.split())
    settings = load_settings(
        {name: value for name, value in environment.items() if name.startswith("TRIAGE_")}
    )
    assert (settings.host, str(settings.port)) == ("0.0.0.0", "8080")  # noqa: S104 - inside the container
    assert ("EXPOSE", "8080") in _final_stage()


def _engine_answers() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    for question in (["version"], ["buildx", "version"]):
        asked = subprocess.run([docker, *question], capture_output=True, timeout=10, check=False)
        if asked.returncode:
            return False
    return True


def test_the_engine_finds_nothing_to_say_about_the_container_file() -> None:
    if not _engine_answers():
        pytest.skip("no container engine answers")
    command = ["docker", "buildx", "build", "--check", "--file", "deploy/Dockerfile", "."]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
