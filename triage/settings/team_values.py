"""Single values of the team's file: times, zones, ids, and what the environment keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import yaml

from triage.channels.credentials import require_aes_key
from triage.errors import SettingsError
from triage.findings import Severity
from triage.incidents.team import Every, Hours
from triage.names import person_name
from triage.rules.strict_yaml import Reader, similar
from triage.wording import Wording

DEFAULT_ZONE = ZoneInfo("Asia/Shanghai")
DAYS = {
    name: day
    for day, names in enumerate(
        ("mon 周一", "tue 周二", "wed 周三", "thu 周四", "fri 周五", "sat 周六", "sun 周日")
    )
    for name in names.split()
}
_URL = re.compile(r"https?://[^\s/]+\S*")
_DURATION = re.compile(r"(?:(?P<hours>[0-9]{1,3})h)?(?:(?P<minutes>[0-9]{1,4})m)?")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_HOURS = re.compile(r"(?:(?P<first>\w+?)(?:-(?P<last>\w+))?\s+)?(?P<start>[0-9:]+)\s*-\s*(?P<end>[0-9:]+)")
_ID = re.compile(r"[A-Za-z0-9_.@+-]{1,64}")
_APPID = re.compile(r"wx[0-9a-z]{16}")
_REFERENCE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")


def read_clock(text: str) -> time | None:
    """A time of day like `9:05`; None for anything else."""
    match = _CLOCK.fullmatch(text)
    return time(int(match[1]), int(match[2])) if match else None


def read_duration(text: str) -> timedelta | None:
    """A duration like `10m`, `2h` or `1h30m`; None for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    return timedelta(hours=int(match["hours"] or 0), minutes=int(match["minutes"] or 0))


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


class ValueReader(Reader):
    """Takes single values from the node tree; for one that is none it adds a finding."""

    def __init__(self, file: str, environment: Mapping[str, str]) -> None:
        super().__init__(file)
        self._environment = environment

    def secret(self, node: yaml.Node) -> str:
        """What `env:NAME` stands for; a secret itself has no place in the file."""
        text = self.text(node)
        if not text:
            return ""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            hint = Wording("put it into the environment, and write env:NAME here")
            self.report(node, "no-reference", Wording("a key or secret does not belong in this file"), hint)
            return ""
        value = self._environment.get(match[1], "").strip()
        if not value:
            near = similar(match[1], self._environment)
            self.report(node, "no-variable", Wording("the environment has no {name}", name=match[1]), near)
        return value

    def aes_key(self, node: yaml.Node) -> str:
        """An EncodingAESKey, as `env:NAME`."""
        key = self.secret(node)
        try:
            if key:
                require_aes_key(key)
        except SettingsError as exc:
            self.report(node, "bad-key", exc.wording)
        return key

    def url(self, node: yaml.Node) -> str:
        """Where a callback is."""
        text = self.text(node)
        if text and not _URL.fullmatch(text):
            self.report(
                node,
                "bad-url",
                Wording("'{text}' is no URL", text=text),
                Wording("write it like https://wx.example.cn/callback"),
            )
        return text

    def address(self, node: yaml.Node) -> tuple[str, ...]:
        """Ids of a person on a platform: one or a list."""
        ids = self.texts(node)
        wrong = next((id_ for id_ in ids if id_ and not _ID.fullmatch(id_)), None)
        if wrong is not None:
            self.report(node, "bad-address", Wording("'{id}' is no id of a person on a platform", id=wrong))
        return ids

    def name(self, node: yaml.Node) -> str:
        """What people call somebody."""
        text = self.text(node)
        if text and person_name(text) != text:
            self.report(node, "bad-name", Wording("this is no name of at most 20 letters on one line"))
        return text

    def appids(self, node: yaml.Node) -> tuple[str, ...]:
        """AppIDs: one or a list."""
        found = self.texts(node)
        for appid in found:
            if appid and not _APPID.fullmatch(appid):
                self.report(
                    node,
                    "bad-appid",
                    Wording("'{appid}' is no AppID: wx and 16 digits or letters", appid=appid),
                )
        return found

    def word_of(self, *words: str) -> Callable[[yaml.Node], str | None]:
        """What reads one of some words."""

        def read(node: yaml.Node) -> str | None:
            text = self.text(node)
            if text and text not in words:
                one = Wording("'{text}' is none of: {words}", text=text, words=", ".join(words))
                self.report(node, "bad-word", one, similar(text, words))
            return text if text in words else None

        return read

    def every(self, node: yaml.Node) -> Every:
        """What shifts are counted in."""
        return Every(self.word_of(*(every.value for every in Every))(node) or Every.WEEK)

    def severity(self, node: yaml.Node) -> Severity | None:
        """A severity; None for what is none."""
        word = self.word_of(*(severity.value for severity in Severity))(node)
        return Severity(word) if word else None

    def zone(self, node: yaml.Node) -> ZoneInfo | None:
        """A time zone by its name, like Asia/Shanghai."""
        text = self.text(node)
        if text in _zones():
            return ZoneInfo(text)
        if text:
            self.report(
                node,
                "bad-zone",
                Wording("there is no time zone '{text}'", text=text),
                similar(text, _zones()),
            )
        return DEFAULT_ZONE

    def day(self, node: yaml.Node) -> date | None:
        """A date."""
        text = self.text(node)
        try:
            return date.fromisoformat(text)
        except ValueError:
            if text:
                self.report(
                    node,
                    "bad-date",
                    Wording("'{text}' is no date", text=text),
                    Wording("write it like 2026-01-05"),
                )
        return None

    def moment(self, node: yaml.Node) -> datetime | None:
        """A date with a time, of the local clock unless it says otherwise."""
        text = self.text(node)
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            if text:
                self.report(
                    node,
                    "bad-time",
                    Wording("'{text}' is no time", text=text),
                    Wording("write it like 2026-10-01T10:00"),
                )
        return None

    def clock(self, node: yaml.Node) -> time | None:
        """A time of day."""
        text = self.text(node)
        found = read_clock(text)
        if text and found is None:
            self.report(
                node,
                "bad-time",
                Wording("'{text}' is no time of day", text=text),
                Wording('write it like "23:00"'),
            )
        return found

    def duration(self, node: yaml.Node) -> timedelta:
        """How long; nothing, with a finding, for what is no duration."""
        text = self.text(node)
        found = read_duration(text)
        if text and found is None:
            self.report(
                node,
                "bad-duration",
                Wording("'{text}' is no duration", text=text),
                Wording("write it like 10m, 2h or 1h30m"),
            )
        return found or timedelta()

    def pause(self, node: yaml.Node) -> timedelta:
        """A duration that is not nothing."""
        found = self.duration(node)
        if not found and self.text(node).startswith("0"):
            self.report(node, "bad-duration", Wording("this must be longer than nothing"))
        return found

    def hours(self, node: yaml.Node) -> Hours | None:
        """`Mon-Fri 09:00-18:00`; without days: every day."""
        text = self.text(node)
        found = _read_hours(text)
        if text and found is None:
            self.report(
                node,
                "bad-hours",
                Wording("'{text}' are no hours", text=text),
                Wording("write them like Mon-Fri 09:00-18:00"),
            )
        return found


def _read_hours(text: str) -> Hours | None:
    match = _HOURS.fullmatch(text)
    if match is None:
        return None
    start, end = read_clock(match["start"]), read_clock(match["end"])
    first = DAYS.get((match["first"] or "mon").casefold())
    last = DAYS.get((match["last"] or match["first"] or "sun").casefold())
    if start is None or end is None or start == end or first is None or last is None:
        return None
    return Hours(frozenset((first + n) % 7 for n in range((last - first) % 7 + 1)), start, end)
