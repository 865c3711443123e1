"""Which files are rule files: by their names, through links, once each; and what tells that one of them changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.rules import SAMPLE, SOURCES
from triage.rules.loader import find_rule_files, load_rules, load_valid_rules, stamp_rules


def _write(path: Path, id_: str = "sample") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SAMPLE.format(id=id_, title="样例"), encoding="utf-8")
    return path


def _config_map(directory: Path, id_: str = "sample", version: str = "..2025_09_25") -> Path:
    """What Kubernetes makes of a ConfigMap; a new version is swapped in by one rename.

    https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically
    """
    _write(directory / version / "rule.yml", id_)
    (directory / "..data_tmp").symlink_to(version)
    (directory / "..data_tmp").replace(directory / "..data")
    if not (directory / "rule.yml").is_symlink():
        (directory / "rule.yml").symlink_to("..data/rule.yml")
    return directory


def test_rule_files_are_those_that_end_in_yml_or_yaml(tmp_path: Path) -> None:
    for name in (
        "a.yml",
        "team/b.yaml",
        "c.yml.bak",
        "d.ysoml",
        "e.json",
        ".hidden.yml",
        ".git/f.yml",
        ".#a.yml",
    ):
        _write(tmp_path / name)
    assert find_rule_files(tmp_path) == [tmp_path / "a.yml", tmp_path / "team/b.yaml"]
    assert find_rule_files(tmp_path / "e.json") == [tmp_path / "e.json"], "a file that is named is read"
    assert find_rule_files(tmp_path / "nowhere") == []


def test_a_directory_called_like_a_rule_is_a_directory(tmp_path: Path) -> None:
    inner = _write(tmp_path / "old.yml" / "a.yml")
    assert find_rule_files(tmp_path) == [inner]


def test_a_config_map_is_read_once(tmp_path: Path) -> None:
    _config_map(tmp_path)
    assert find_rule_files(tmp_path) == [tmp_path / "rule.yml"]
    assert len(load_rules([tmp_path], SOURCES).rules) == 1


def test_a_file_that_several_names_lead_to_is_read_once(tmp_path: Path) -> None:
    real = _write(tmp_path / "real" / "a.yml")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "again.yml").symlink_to(real)
    os.link(real, tmp_path / "own" / "hard.yml")
    (tmp_path / "linked").symlink_to("real")
    directories = [tmp_path / "real", tmp_path / "own", tmp_path / "linked", real, tmp_path]
    rules, findings = load_valid_rules(directories, SOURCES)
    assert findings == ()
    assert len(rules.rules) == 1


def test_a_directory_behind_a_link_is_read_and_a_circle_ends(tmp_path: Path) -> None:
    _write(tmp_path / "elsewhere" / "a.yml")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "team").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "own")
    assert find_rule_files(tmp_path / "own") == [tmp_path / "own/team/a.yml"]


@pytest.mark.parametrize("name", ["rule.yml", "other.yaml", "team/deep/other.yml"])
def test_whatever_is_read_is_watched(name: str, tmp_path: Path) -> None:
    _write(tmp_path / "rule.yml")
    before = stamp_rules([tmp_path])
    _write(tmp_path / name, "another")
    os.utime(tmp_path / name, ns=(1, 1))
    assert stamp_rules([tmp_path]) != before
    (tmp_path / name).unlink()
    assert stamp_rules([tmp_path]) != before or name != "rule.yml"


def test_what_is_not_read_is_not_watched(tmp_path: Path) -> None:
    _write(tmp_path / "rule.yml")
    before = stamp_rules([tmp_path])
    for name in (".rule.yml.swp", ".backup/rule.yml", "notes.txt"):
        _write(tmp_path / name)
    assert stamp_rules([tmp_path]) == before


def test_a_new_version_of_a_config_map_is_a_change_even_of_the_same_time_and_size(tmp_path: Path) -> None:
    _config_map(tmp_path)
    time = (tmp_path / "rule.yml").stat().st_mtime_ns
    before = stamp_rules([tmp_path])
    _config_map(tmp_path, "simple", "..2025_09_26")
    os.utime(tmp_path / "rule.yml", ns=(time, time))
    assert stamp_rules([tmp_path]) != before
    assert load_rules([tmp_path], SOURCES).rules[0].id == "simple"


def test_a_directory_that_goes_away_is_a_change(tmp_path: Path) -> None:
    file = _write(tmp_path / "own" / "rule.yml")
    before = stamp_rules([tmp_path / "own"])
    file.unlink()
    file.parent.rmdir()
    assert stamp_rules([tmp_path / "own"]) != before
