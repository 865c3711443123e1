"""The team's file: what is refused with which words and where, what its example says."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from triage.errors import SettingsError
from triage.findings import Finding, Severity
from triage.incidents import rota
from triage.incidents.team import CallbackProbe, Every, Target, TargetKind
from triage.message import ANY_ACCOUNT, Person
from triage.settings import load_settings
from triage.settings.team import LOOKED_AHEAD, check_team, find_holes, load_team
from triage.settings.team_parser import TeamFile, parse_team

PAGE = (ROOT / "docs/team.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"(?ms)^```yaml\n(.*?)^```", PAGE)[0]
BROKEN = ROOT / "tests/data/broken_teams"
ENVIRONMENT = {"OPS_KEY": "0123456789abcdef"}
NOW = datetime(2026, 2, 2, tzinfo=UTC)
SMALL = """\
people:
  li: {name: 李雷, wecom: lilei}
  han: {name: 韩梅, wecom: hanmei}
rotations:
  main: {people: [li, han], at: Mon 10:00, from: 2026-01-05}
"""


def _read(source: str) -> TeamFile:
    return check_team(parse_team(source, "team.yml", ENVIRONMENT))


def _found(source: str) -> list[str]:
    return [str(finding) for finding in _read(source).findings]


def test_example_of_the_page_is_a_team_without_a_mistake() -> None:
    file = _read(EXAMPLE)
    assert file.findings == ()
    team = file.team
    assert [mate.name for mate in team.people] == ["李雷", "韩梅", "王强"]
    assert team.people[0].text_only
    assert (team.rotations[0].every, team.rotations[0].on) == (Every.WEEK, 0)
    (high, low) = team.escalations
    assert high.steps[1].targets == (Target(TargetKind.ROTATION, "main", 1),)
    assert [step.after for step in high.steps] == [timedelta(minutes=n) for n in (0, 10, 20)]
    assert low.steps[0].group == "ops"
    assert (team.repeat, team.claim and team.claim.release) == (2, timedelta(minutes=30))
    assert team.groups[0].address == ENVIRONMENT["OPS_KEY"]


def test_every_key_of_the_example_is_explained() -> None:
    keys = re.findall(r"(?m)^(\w+):", EXAMPLE)
    assert keys == re.findall(r"(?m)^\| `(\w+)` \|", PAGE)


def test_address_holds_on_every_channel_where_the_id_is_the_same() -> None:
    members = _read(SMALL).team.members
    assert {person.channel for person, name in members.items() if name == "李雷"} == {
        "wecom", "wecom_bot", "wecom_webhook",
    }  # fmt: skip


@pytest.mark.parametrize("file", sorted(BROKEN.glob("*.yml")), ids=lambda file: file.stem)
def test_mistake_is_named_with_its_place(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    expected = source.partition("\n")[0].removeprefix("# expect: ").split(" | ")
    assert _found(source) == [f"team.yml:{each}" for each in expected]


def test_empty_file_is_a_mistake() -> None:
    assert _found("") == ["team.yml:1:1: the file is empty"]


def test_unreadable_secret_is_never_repeated() -> None:
    found = _found(SMALL + "groups: {ops: {wecom_webhook: a-real-key-in-the-file}}\n")
    assert "a-real-key" not in "".join(found)


def test_who_can_be_mentioned_in_the_group_can_be_reached() -> None:
    source = SMALL.replace("wecom: hanmei", "dingtalk: han1") + (
        "escalation: {high: [{after: 0m, to: main, group: ops}]}\ngroups: {ops: {dingtalk_webhook: env:OPS_KEY}}\n"
    )
    assert _found(source) == []


def test_how_a_callback_is_probed() -> None:
    probe = "{url: 'https://wx.example.cn/cb', token: env:OPS_KEY}"
    (found,) = _read(
        f"{SMALL}accounts: {{wx352e1c916f58ea3b: {{name: 满仓, probe: {probe}}}}}\n"
    ).team.accounts
    assert found.probe == CallbackProbe("https://wx.example.cn/cb", ENVIRONMENT["OPS_KEY"])
    assert ENVIRONMENT["OPS_KEY"] not in repr(found)


def test_times_of_an_override_are_of_its_rotations_zone() -> None:
    source = SMALL.replace("05}", "05, zone: Europe/Berlin}") + (
        "overrides: [{rotation: main, person: han, from: 2026-10-01T10:00, to: 2026-10-02T10:00}]\n"
    )
    (override,) = _read(source).team.overrides
    assert override.start == datetime(2026, 10, 1, 8, tzinfo=UTC)


# -- holes


def _holes(source: str, now: datetime = NOW) -> list[Finding]:
    return list(find_holes(_read(source), (), now))


def test_full_rota_has_no_holes() -> None:
    assert _holes(SMALL) == []


@pytest.mark.parametrize(("days", "count"), [(13, 1), (14, 0)], ids=["within 14 days", "later"])
def test_hole_is_found_in_time(days: int, count: int) -> None:
    start = (NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M+00:00")
    gone = f"overrides: [{{rotation: main, person: nobody, from: {start}, to: 2026-12-31T00:00}}]\n"
    assert len(_holes(SMALL + gone)) == count
    assert timedelta(days=14) == LOOKED_AHEAD


def test_hole_says_from_when_until_when_and_what_follows() -> None:
    (hole,) = _holes(SMALL.replace("2026-01-05", "2026-02-09"))
    assert str(hole) == (
        "team.yml:5:3: nobody is on call in 'main' from 2026-02-02 08:00 until 2026-02-09 10:00; "
        "the next step of an escalation is taken at once"
    )
    assert hole.severity is Severity.LOW


def test_time_outside_the_hours_of_a_rotation_is_no_hole() -> None:
    assert _holes(SMALL.replace("05}", "05, hours: Mon-Fri 09:00-18:00}")) == []


# -- as a setting


def test_people_are_members_and_leads_under_one_name(tmp_path: Path) -> None:
    path = tmp_path / "team.yml"
    path.write_text(EXAMPLE, encoding="utf-8")
    settings = load_settings({"TRIAGE_TEAM": str(path), **ENVIRONMENT})
    assert settings.team == load_team(path, ENVIRONMENT)
    assert settings.admins[Person("wechat", ANY_ACCOUNT, "oABCdef0123456789")] == "李雷"
    assert settings.admins[Person("wecom", ANY_ACCOUNT, "lilei")] == "李雷"


def test_start_is_refused_with_every_mistake_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "team.yml"
    path.write_text(SMALL.replace("[li, han]", "[lee]").replace("05}", "05, zone: Mars}"), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings({"TRIAGE_TEAM": str(path)})
    assert f"{path}:5:19: there is no person 'lee'" in str(caught.value)
    assert f"{path}:5:64: there is no time zone 'Mars'" in str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"(?s)TRIAGE_TEAM: .*cannot read .*no\.yml"):
        load_settings({"TRIAGE_TEAM": str(tmp_path / "no.yml")})


def test_reasons_of_shifts_are_told_by_the_command() -> None:
    told = (ROOT / "triage/cli/team.py").read_text(encoding="utf-8")
    assert all(f'"{because}"' in told for because in rota.Because if because is not rota.Because.TURN)
