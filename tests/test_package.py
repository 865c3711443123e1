"""What a newcomer does: the commands of README and docs/rules.md, in a copy of the tree and an empty environment."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tomllib
import urllib.request
from itertools import islice
from pathlib import Path

import pytest

from tests.support.paths import ROOT

KEPT = ("triage", "rules", "templates", "docs", "pyproject.toml", "README.md", "LICENSE")


def _block(page: str, heading: str) -> str:
    """The shell commands under a heading of a page."""
    section = (ROOT / page).read_text(encoding="utf-8").split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))


def _run(script: str, folder: Path, path: Path | None = None) -> str:
    environment = {
        "PATH": f"{path}:/usr/bin:/bin" if path else "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
    }
    done = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree, installed by README's own commands; the folder with its `venv`."""
    folder = tmp_path_factory.mktemp("newcomer")
    for name in KEPT:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    shutil.rmtree(folder / "triage/__pycache__", ignore_errors=True)
    python = shutil.which("python3") or "python3"
    shown = _run(_block("README.md", "Install").replace("python3 -m venv", f"{python} -m venv"), folder)
    assert "nginx 状态 499" in shown
    return folder


def test_the_installed_package_carries_rules_and_templates(installed: Path, tmp_path: Path) -> None:
    (package,) = installed.glob("venv/lib/python*/site-packages/triage")
    for name in ("rules", "templates/reply"):
        carried = {file.name for file in (package / "_data" / name).glob("*.*")}
        assert carried == {file.name for file in (ROOT / name).glob("*.*")}
    assert (package / "_data/sources.md").read_bytes() == (ROOT / "docs/sources.md").read_bytes()
    assert (package / "py.typed").exists()
    assert [*package.parent.glob("wechat_triage-*.dist-info/licenses/LICENSE")]
    assert "request_timeout" in _run("triage rules list", tmp_path, installed / "venv/bin")
    assert "success 就是 7 个字节" in _run("triage ask R4", tmp_path, installed / "venv/bin")


def test_what_the_source_distribution_includes_is_there() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = settings["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert [name for name in included if not (ROOT / name).exists()] == []
    assert [file.name for file in ROOT.glob("*.md") if file.name not in included] == []


def test_the_first_own_rule_of_the_manual_works(installed: Path, tmp_path: Path) -> None:
    shown = _run(_block("docs/rules.md", "A rule in five minutes"), tmp_path, installed / "venv/bin")
    assert "0 mistakes" in shown
    assert "0 failed" in shown
    assert "给这类报警起个名" in shown


def test_make_run_serves_the_demo(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "TRIAGE_PORT": str(port),
        "TRIAGE_DATABASE_URL": f"sqlite:///{tmp_path / 'run.db'}",
    }
    process = subprocess.Popen(
        ["make", "--silent", "run"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        assert process.stdout
        assert any(f"http://127.0.0.1:{port}/" in line for line in islice(process.stdout, 5))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as page:
            assert "转发一条示例报警" in page.read().decode()
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=20)
