"""The window is found in every kind of file, and little else of the file is read."""

from __future__ import annotations

import gzip
import os
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest
import zstandard

from tests.support.logs import AFTER, ALERT, BEFORE, OPENID, line, write
from triage.alerts.parser import parse
from triage.errors import LogFileError
from triage.evidence.services.log_fields import parse_time, read_any
from triage.logs.files import BLOCK, PROBE, Block, Span, open_log, read_span
from triage.logs.join import join
from triage.logs.target import Target, target_of
from triage.logs.traffic import Traffic, read_traffic
from triage.logs.verdict import Answer
from triage.rules.model import MARK_FAIL, RuleSet

LATE = line(5, 499, "5.074", openid=OPENID)
DAY = [line(second, path="/api") for second in range(-12_000, 12_000, 2)]
"""3.6 MB: larger than all that is read at once."""
OTHERS = 155
"""Lines of the day whose requests came in from ten seconds before the first failure to the window's end."""


def quiet(path: Path, done: int, size: int) -> None:
    """No progress is shown."""


def target() -> Target:
    found = target_of(parse(ALERT).alerts[0])
    assert found
    return found


def judged(*paths: Path) -> tuple[Answer, Traffic]:
    return join([open_log(path) for path in paths], target(), (), quiet)


def with_one(text: str, second: int = 5) -> list[str]:
    """The day with one line more, where its time belongs."""
    at = 6_000 + second // 2
    return [*DAY[:at], text, *DAY[at:]]


def clock(text: str) -> float | None:
    fields = read_any(text)
    return parse_time(fields[0]) if fields else None


def test_one_late_request_is_found_in_a_long_file(tmp_path: Path) -> None:
    answer, traffic = judged(write(tmp_path / "access.log", with_one(LATE)))
    assert answer.verdict == "backend_slow"
    assert traffic.others == OTHERS


class _Counted:
    """Counts what a log's reader is asked for."""

    def __init__(self) -> None:
        self.lines = 0

    def __call__(self, text: str) -> float | None:
        self.lines += 1
        return clock(text)


def _bytes(blocks: Iterable[Block]) -> int:
    return sum(len(block.text) + 1 for block in blocks)


def test_the_file_is_not_read_from_end_to_end(tmp_path: Path) -> None:
    log = open_log(write(tmp_path / "access.log", DAY))
    counted = _Counted()
    read = _bytes(read_span(log, target().span, 2.0, log.size, counted, quiet))
    assert read < 4 * PROBE + 400 * 320
    assert counted.lines < 100


@pytest.mark.parametrize("second", [-12_000, -1, 0, 7, 11_998])
@pytest.mark.parametrize("ends", ["\n", ""], ids=["whole", "without a last newline"])
def test_no_line_of_a_span_is_missed_wherever_it_lies(second: int, ends: str, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text("\n".join(DAY) + ends)
    at = target().span.start + 10 + second
    blocks = read_span(open_log(path), Span(at - 20, at + 20), 0.0, 0, clock, quiet)
    found = {time for block in blocks for text in block.text.split("\n") if (time := clock(text)) is not None}
    first, last = target().span.start + 10 - 12_000, target().span.start + 10 + 11_998
    wanted = set(range(int(first), int(last) + 1, 2)) & set(range(int(at) - 20, int(at) + 21))
    assert wanted <= found


def test_a_file_that_grows_ends_in_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text(
        "\n".join([BEFORE, LATE.replace("5.074", "0.021").replace(" 499 ", " 200 "), AFTER, LATE[:150]])
    )
    assert judged(path)[0].verdict == "answered_in_time"


# -- holes


def test_nul_bytes_that_copytruncate_leaves_at_the_beginning_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"\0" * (3 * BLOCK) + "\n".join([BEFORE, LATE, AFTER, ""]).encode())
    assert judged(path)[0].verdict == "backend_slow"
    path.write_bytes(b"\0" * (3 * BLOCK) + "\n".join([BEFORE, AFTER, ""]).encode())
    assert judged(path)[0].verdict == "never_arrived"


@pytest.mark.parametrize("hole", [5_000, 300_000_000])
def test_a_hole_without_blocks_costs_nothing_and_proves_no_absence(hole: int, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    middle = len(DAY) // 2
    for lines, verdict in ((DAY, "cannot_tell"), (with_one(LATE, 60), "backend_slow")):
        with path.open("wb") as file:
            file.write("".join(f"{text}\n" for text in lines[: middle + 15]).encode())
            file.seek(hole, os.SEEK_CUR)
            file.write("".join(f"{text}\n" for text in lines[middle + 15 :]).encode())
        answer, _ = judged(path)
        assert answer.verdict == verdict, answer
        path.unlink()


def test_a_hole_elsewhere_is_no_reason_for_doubt(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    lines = "\n".join(DAY).encode()
    path.write_bytes(lines[:PROBE] + b"\0" * 100 + lines[PROBE:] + b"\n")
    assert judged(path)[0].verdict == "never_arrived"


# -- disorder


def shuffled(seconds: float, lines: Sequence[str]) -> list[str]:
    """The lines as workers write them that hold them back up to so long."""
    rng = random.Random(1)  # noqa: S311 - the same order in every run
    at = {index: index * 2 + rng.random() * seconds for index in range(len(lines))}
    return [lines[index] for index in sorted(at, key=at.__getitem__)]


@pytest.mark.parametrize("seconds", [2, 20, 500])
def test_lines_that_a_buffer_held_back_are_found(seconds: int, tmp_path: Path) -> None:
    path = write(tmp_path / "access.log", shuffled(seconds, with_one(LATE)))
    answer, traffic = judged(path)
    assert answer.verdict == "backend_slow"
    assert traffic.others == OTHERS
    assert seconds / 3 < traffic.disorder < seconds


def test_a_line_minutes_behind_its_time_is_found_on_a_quiet_site(tmp_path: Path) -> None:
    lines = [*DAY[:6_000:100], *DAY[6_000:6_290:50], LATE, *DAY[6_300::100]]
    assert judged(write(tmp_path / "access.log", lines))[0].verdict == "backend_slow"


def test_a_buffer_that_is_flushed_is_followed_no_further_than_that(tmp_path: Path) -> None:
    path = write(tmp_path / "access.log", DAY)
    log = open_log(path)
    near, far = (
        _bytes(read_span(log, target().span, disorder, log.size, clock, quiet)) for disorder in (2.0, 600.0)
    )
    assert far > near + 80_000
    assert read_traffic([log], target(), disorder=2.0).others == read_traffic([log], target()).others


# -- several files, compressed files

Pack = Callable[..., bytes]


def _gzipped(lines: Sequence[str], *, members: int = 1) -> bytes:
    size = -(-len(lines) // members)
    parts = ["".join(f"{text}\n" for text in lines[at : at + size]) for at in range(0, len(lines), size)]
    return b"".join(gzip.compress(part.encode()) for part in parts)


def _zstandard(lines: Sequence[str], *, members: int = 1) -> bytes:
    size = -(-len(lines) // members)
    parts = ["".join(f"{text}\n" for text in lines[at : at + size]) for at in range(0, len(lines), size)]
    return b"".join(zstandard.compress(part.encode()) for part in parts)


@pytest.mark.parametrize("members", [1, 28], ids=["one member", "one for every flush"])
@pytest.mark.parametrize("pack", [_gzipped, _zstandard])
def test_a_compressed_log_is_read_to_its_end(pack: Pack, members: int, tmp_path: Path) -> None:
    path = tmp_path / "access.log.1"
    path.write_bytes(pack(with_one(LATE), members=members))
    told: list[int] = []
    logs = [open_log(path)]
    answer, traffic = join(logs, target(), (), lambda path, done, size: told.append(done))
    assert answer.verdict == "backend_slow"
    assert traffic.others == OTHERS
    assert told == sorted(told)
    path.write_bytes(pack(DAY, members=members))
    assert judged(path)[0].verdict == "never_arrived"


def test_a_compressed_log_is_left_when_the_window_is_over(tmp_path: Path) -> None:
    path = tmp_path / "access.log.gz"
    far = [line(second, path="/api") for second in range(-400, 60_000, 2)]
    path.write_bytes(_gzipped(far))
    told: list[int] = []
    join([open_log(path)], target(), (), lambda path, done, size: told.append(done))
    assert max(told) < path.stat().st_size / 2


@pytest.mark.parametrize("pack", [_gzipped, _zstandard])
def test_a_compressed_log_that_is_cut_proves_no_absence(pack: Pack, tmp_path: Path) -> None:
    path = tmp_path / "access.log.gz"
    whole = pack(DAY)
    path.write_bytes(whole[: len(whole) // 2])
    assert judged(path)[0].verdict == "cannot_tell"
    path.write_bytes(whole[: len(whole) // 2] + b"\xff" * 100)
    assert judged(path)[0].verdict == "cannot_tell"


def test_a_compressed_log_that_ended_before_the_window_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "access.log.2.gz"
    path.write_bytes(_gzipped(DAY))
    before = target().span.start - 4_000
    os.utime(path, (before, before))
    told: list[int] = []
    answer, _ = join([open_log(path)], target(), (), lambda path, done, size: told.append(done))
    assert told == []
    assert answer.verdict == "cannot_tell"


def _rotated(folder: Path, *, without: int | None = None) -> Iterator[Path]:
    """Three files of a day, rotated in the window and before it; the oldest is compressed."""
    day = with_one(LATE, 100)
    for number, part in enumerate((day[:3_000], day[3_000:6_020], day[6_020:])):
        path = folder / f"access.log{('.2.gz', '.1', '')[number]}"
        path.write_bytes(_gzipped(part) if number == 0 else "".join(f"{text}\n" for text in part).encode())
        if number != without:
            yield path


def test_a_window_across_rotated_files_is_put_together(tmp_path: Path) -> None:
    for paths in (list(_rotated(tmp_path)), list(reversed(list(_rotated(tmp_path))))):
        answer, traffic = judged(*paths)
        assert answer.verdict == "backend_slow"
        assert traffic.others == OTHERS


def test_a_rotated_file_that_is_missing_is_named(tmp_path: Path) -> None:
    missing = list(_rotated(tmp_path, without=1))
    write(tmp_path / "access.log", DAY[6_130:])
    answer, _ = judged(*missing)
    assert answer.verdict == "cannot_tell"
    assert "两个文件之间少了一个" in answer.next
    assert judged(tmp_path / "access.log")[0].next.startswith("加上轮转出去的上一个文件")


def test_workers_that_write_on_into_the_renamed_file_are_seen(tmp_path: Path) -> None:
    write(tmp_path / "access.log.1", with_one(LATE))
    write(tmp_path / "access.log", DAY[6_010:])
    assert judged(tmp_path / "access.log", tmp_path / "access.log.1")[0].verdict == "backend_slow"
    assert judged(tmp_path / "access.log")[0].verdict == "cannot_tell"


# -- what is no log


def test_a_log_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "access.log")
    with pytest.raises(LogFileError) as caught:
        open_log(tmp_path / "access.log")
    assert caught.value.reason == "no_file"


def test_a_missing_library_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "access.log.zst").write_bytes(_zstandard(DAY))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(LogFileError) as caught:
        judged(tmp_path / "access.log.zst")
    assert caught.value.reason == "no_zstd"


HOSTILE = {
    "no UTF-8": "\xff" * 300,
    "one endless line": "x" * 3_000_000,
    "blank lines": "\n" * 300_000,
    "a request without an end": '1.1.1.1 - - [28/Nov/2026:12:30:00 +0000] "' + "a" * 100_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_are_survived(text: str, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes("\n".join([BEFORE, text, LATE, AFTER, ""]).encode("latin-1"))
    assert judged(path)[0].verdict == "backend_slow"


def test_which_alerts_look_back_is_what_the_rules_say(rules: RuleSet) -> None:
    for rule in rules.rules:
        for sentence in rule.sentences:
            alert = parse(
                ALERT.replace("微信服务器向公众号推送消息或事件后，开发者5秒内没有返回", sentence)
            ).alerts[0]
            found = target_of(alert)
            assert found
            assert (found.span.start < target().span.start) == (rule.id == MARK_FAIL), sentence
