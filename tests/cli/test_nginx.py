"""triage nginx: files with what they include, standard input, and what cannot be read."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from triage.cli import main

MAIN = "worker_rlimit_nofile 204800;\nevents { worker_connections 102400; }\nhttp {\n  include conf.d/*.conf;\n}\n"
SITE = (
    "log_format wx '$request_time $upstream_response_time';\nserver {\n  listen 80;\n  access_log a.log wx;\n"
    "  location /wx {\n    proxy_pass http://10.0.0.1:8080;\n    proxy_read_timeout 4s;\n  }\n}\n"
)


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/wx.conf").write_text(SITE)
    (tmp_path / "nginx.conf").write_text(MAIN)
    return tmp_path / "nginx.conf"


def _type(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(text.encode()), isatty=lambda: False))


def test_a_finding_is_shown_with_its_place_and_the_corrected_line(
    conf: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = conf.parent / "conf.d/wx.conf"
    site.write_text(SITE.replace("4s", "30s"))
    assert main(["nginx", str(conf)]) == 1
    printed = capsys.readouterr().out
    assert (
        f"{site}:7: waits longer for the backend than WeChat's 5 s (read_timeout_over_5s, medium)" in printed
    )
    assert "    proxy_read_timeout 30s;\n  → proxy_read_timeout 4s;" in printed


def test_json_has_the_findings_and_the_version(
    conf: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["nginx", str(conf), "--json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["id"], finding["line"], finding["severity"]) == ("no_upstream_keepalive", 6, "low")
    _type(monkeypatch, f"nginx version: nginx/1.30.0\n{SITE}")
    assert main(["nginx", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["findings"]) == ("1.30.0", [])


def test_a_byte_order_mark_is_found(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conf.write_bytes(b"\xef\xbb\xbf" + MAIN.encode())
    assert main(["nginx", str(conf)]) == 1
    assert (
        f"{conf}:1: full-width punctuation, or blanks that cannot be seen (fullwidth, critical)"
        in capsys.readouterr().out
    )


def test_included_pipes_and_folders_are_left_alone(conf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(conf.parent / "conf.d/pipe.conf")
    (conf.parent / "conf.d/folder.conf").mkdir()
    (conf.parent / "conf.d/loop.conf").write_text("include conf.d/*.conf;")
    assert main(["nginx", str(conf)]) == 1
    assert "no_upstream_keepalive" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\0\1\2", "is no text: it holds NUL bytes"), (b"", "is no nginx configuration"),
        (b"\xc4\xe3\xba\xc3", "is no nginx configuration"), (b"hello world\n", "is no nginx configuration"),
        (b"listen 80;" + b"a{" * 100_000, "is larger than is read"), (b"#" * 4_000_001, "is larger than is read"),
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_said(
    text: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "nginx.conf").write_bytes(text)
    assert main(["nginx", str(tmp_path / "nginx.conf")]) == 2
    assert said in capsys.readouterr().err


def test_what_cannot_be_opened_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nginx", str(tmp_path)]) == 2
    assert f"cannot read {tmp_path}: Is a directory" in capsys.readouterr().err
    assert main(["nginx", "/nowhere/nginx.conf"]) == 2
    assert "cannot read /nowhere/nginx.conf: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "checks"),
    [
        pytest.param(
            "server {\n  listen 443 ssl;\n  access_log off;\n}\n", {"nginx_config": "suspect"}, id="sick"
        ),
        pytest.param("location /a {\n  return 404;\n}\n", {}, id="a part without a problem proves no health"),
    ],
)
def test_the_check_of_a_part_is_never_healthy(
    text: str, checks: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _type(monkeypatch, text)
    main(["nginx", "--json"])
    assert json.loads(capsys.readouterr().out)["checks"] == checks
