"""The access logs of a configuration: formats, delays, conditions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import logs as support
from triage.evidence.nginx.configuration import tree_of
from triage.logs.join import ConfiguredLog, formats_of
from triage.logs.nginx_config import configured_logs

LINE = '1.1.1.1 [28/Nov/2026:12:30:00 +0000] 200 "10.0.0.1:80, 10.0.0.2:80" 0.100'
FORMAT = "log_format own '$remote_addr [$time_local] ' '$status \"$upstream_addr\" ' '$request_time';"


def configured(folder: Path, *lines: str) -> tuple[ConfiguredLog, ...]:
    conf = folder / "nginx.conf"
    conf.write_text("events {}\nhttp {\n" + "\n".join(lines) + "\n}\n", encoding="utf-8")
    return support.configured(conf)


@pytest.mark.parametrize(
    ("options", "disorder"),
    [
        ("", 2), ("buffer=32k", None), ("buffer=32k flush=5s", 7), ("flush=1m30s buffer=64k", 92),
        ("gzip", None), ("gzip=5 flush=500ms", 2.5),
    ],
)  # fmt: skip
def test_how_late_lines_are_written_follows_from_the_options(
    options: str, disorder: float | None, tmp_path: Path
) -> None:
    (log,) = configured(tmp_path, FORMAT, f"access_log logs/a.log own {options};")
    assert log.disorder == disorder
    fields = log.format.read(LINE)
    assert fields is not None
    assert fields[3] == "10.0.0.1:80, 10.0.0.2:80"
    assert not log.is_conditional


def test_formats_are_found_in_includes_and_servers_and_before_their_definition(tmp_path: Path) -> None:
    (tmp_path / "site.conf").write_text("server { location /wx { access_log logs/wx.log own if=$x; } }")
    logs = configured(
        tmp_path, "access_log logs/all.log;", "include site.conf;", "include missing.conf;", FORMAT
    )
    assert [(log.name, log.is_conditional) for log in logs] == [("all.log", False), ("wx.log", True)]


def test_what_writes_no_file_is_left_out(tmp_path: Path) -> None:
    lines = ("access_log off;", "access_log syslog:server=10.0.0.1;", "access_log a.log nowhere;")
    assert configured(tmp_path, *lines) == ()


@pytest.mark.parametrize("name", ["wx.log", "wx.log.1", "wx.log-20261128.gz"])
def test_a_rotated_file_goes_by_the_name_of_its_log(name: str, tmp_path: Path) -> None:
    logs = configured(tmp_path, FORMAT, "access_log a/wx.log own;", "access_log a/all.log;")
    assert [log.name for log in formats_of(Path(name), logs)] == ["wx.log"]
    assert len(formats_of(Path("copied"), logs)) == 2


def test_a_saved_dump_is_read_with_the_files_in_it() -> None:
    dump = (
        "# configuration file /etc/nginx/nginx.conf:\nhttp { include sites/*.conf; }\n"
        f"# configuration file /etc/nginx/sites/wx.conf:\n{FORMAT}\naccess_log logs/wx.log own;\n"
    )
    (log,) = configured_logs(tree_of(("nginx-T.txt", dump)))
    assert log.name == "wx.log"
    assert log.format.read(LINE) is not None
