"""`triage logs` on a log of 1 GB beside what one would run instead; docs/benchmarks.md says what the figures mean."""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.progress import track

from bench.generate import openid
from bench.table import Row, compare, show
from triage.alerts.parser import BEIJING

SIZE = 1_000_000_000
RUNS = 5
DAY = datetime(2026, 11, 28, tzinfo=UTC)
FIRST = DAY + timedelta(hours=12, minutes=30)
"""The first failure of the alert, in the busiest hour: three times the mean, 40,000 lines in five minutes."""
OURS, HALF, GOACCESS = "triage logs", "triage logs, half the file", "goaccess"
GREP, COUNTS, QUESTION = "grep for one minute", "mawk, statuses of the day", "mawk, the same question"
_BUSY = range(12 * 3600, 13 * 3600)
_POOL = 20_000
_ALERT = f"""\
Appid: wx71419d29a96bc420
时间: {FIRST.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}
内容: 微信服务器向公众号推送消息或事件后，开发者5秒内没有返回
次数: 5分钟 33次
错误样例: [OpenID=oF0PnGE8JyPtrVClEWNMl2Iff531][Stamp=1795869000][3rdUrl=http://wx.example.com/wx][Event=Click]
"""
_GOACCESS = '%h  - %^ [%d:%t %^] "%r" %s %b "%R" "%u" "%^" "%v"  "%^" "%^"   "%^"  "%T"  "%^" '
_PEAK = """
import re, sys
from pathlib import Path
from triage.cli import main
main(sys.argv[1:])
print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def main() -> int:
    """Print the tables; 1 if a goal is missed."""
    with tempfile.TemporaryDirectory() as folder:
        whole, half, alert = (Path(folder) / name for name in ("whole.log", "half.log", "alert.txt"))
        alert.write_text(_ALERT, encoding="utf-8")
        write_log(whole, SIZE)
        write_log(half, SIZE // 2)
        times = _measure(_commands(whole, half, alert))
        return show(list(_rows(times, _peak(whole, alert))))


def write_log(path: Path, size: int) -> None:
    """About so many bytes in the guide's format; half the size has half the hours before and after the window's."""
    rng = random.Random(size)
    pool = [_line(rng) for _ in range(_POOL)]
    hours = 24 * size / SIZE
    first = (FIRST - timedelta(hours=hours / 2)).replace(microsecond=0)
    mean = SIZE / 24 / 3600 / statistics.mean(len(head) + len(tail) + 26 for head, tail in pool) * 24 / 26
    with path.open("w", encoding="ascii") as file:
        for second in range(round(3600 * hours)):
            at = first + timedelta(seconds=second)
            busy = (at - DAY).total_seconds() in _BUSY
            stamp = f"{at:%d/%b/%Y:%H:%M:%S} +0000"
            lines = rng.choices(pool, k=round(mean * (3 if busy else 1)))
            file.writelines([f"{head}{stamp}{tail}" for head, tail in lines])


def _line(rng: random.Random) -> tuple[str, str]:
    """What stands before and behind the time; four in five are pushes, one in a hundred is late."""
    is_late = rng.random() < 0.01
    seconds = rng.uniform(5, 5.1) if is_late else rng.expovariate(30)
    status, answered = ("499", "-") if is_late else ("200", "200")
    path = "/wx" if rng.random() < 0.8 else rng.choice(["/api/user", "/static/app.js", "/wxpay/notify"])
    query = f"signature={rng.randrange(16**40):040x}&nonce={rng.randrange(10**9)}&openid={openid(rng)}"
    behind = (
        f'] "POST {path}?{query} HTTP/1.1" {status} 7 "-" "Mozilla/4.0" "-" "wx.example.com"  "-" '
        f'"10.0.0.{rng.randrange(1, 5)}:8080"   "{answered}"  "{seconds:.3f}"  "{seconds:.3f}" \n'
    )
    return f"198.51.100.{rng.randrange(1, 255)}  - - [", behind


def _commands(whole: Path, half: Path, alert: Path) -> Mapping[str, Sequence[str]]:
    """By name, what is run; what is not installed is left out."""
    ours = [sys.executable, "-m", "triage", "logs", "--json", "--alert", str(alert)]
    start, stop = (FIRST + timedelta(seconds=seconds) for seconds in (-10, 310))
    question = (
        '{split($1,a,"["); t=substr(a[2],1,20)}'
        f't>="{start:%d/%b/%Y:%H:%M:%S}"&&t<="{stop:%d/%b/%Y:%H:%M:%S}"&&$2~/ \\/wx[? ]/'
        '{split($3,s," "); n[s[1]" "$14]++; if($18>=3)slow++} END{for(k in n)print n[k],k; print slow}'
    )
    commands = {
        OURS: [*ours, str(whole)],
        HALF: [*ours, str(half)],
        GREP: ["grep", "-F", f"{FIRST:%d/%b/%Y:%H:%M}", str(whole)],
        COUNTS: ["mawk", "{n[$9]++} END {for (k in n) print n[k], k}", str(whole)],
        QUESTION: ["mawk", "-F\"", question, str(whole)],
        GOACCESS: [
            *("goaccess", str(whole), "--no-global-config", f"--log-format={_GOACCESS}"),
            *("--date-format=%d/%b/%Y", "--time-format=%H:%M:%S", "-o", f"{whole}.json"),
        ],
    }  # fmt: skip
    return {name: words for name, words in commands.items() if shutil.which(words[0])}


def _measure(commands: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """The median seconds of each, run in turns; goaccess, which takes minutes, is run once."""
    found: dict[str, list[float]] = {name: [] for name in commands}
    for turn in track(range(RUNS), description="measuring", transient=True):
        for name, words in commands.items():
            if turn and name == GOACCESS:
                continue
            start = time.perf_counter()
            done = subprocess.run(
                words, capture_output=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, check=False
            )
            found[name].append(time.perf_counter() - start)
            if not done.stdout and name != GOACCESS:
                raise AssertionError(f"{name}: {done.stderr.decode()}")
    return {name: statistics.median(times) for name, times in found.items()}


def _peak(log: Path, alert: Path) -> float:
    """Peak resident memory in MB of a whole process (Linux)."""
    words = [sys.executable, "-c", _PEAK, "logs", str(log), "--alert", str(alert)]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[-1]) / 1024


def _rows(times: Mapping[str, float], peak: float) -> Iterator[Row]:
    compare(
        "1 GB, a window of five minutes",
        ("what", "seconds"),
        [(name, f"{times[name]:.2f}") for name in times],
    )
    for name, goal in ((QUESTION, 10), (COUNTS, None), (GREP, 1), (GOACCESS, 100)):
        if name in times:
            ratio = times[name] / times[OURS]
            said = f"at least {goal}" if goal else "shown"
            yield f"{name}, in times of triage logs", ratio, said, not goal or ratio >= goal
    doubled = times[OURS] / times[HALF]
    yield "triage logs, in times of half the file", doubled, "at most 1.1", doubled <= 1.1
    yield "peak memory of triage logs, MB", peak, "at most 60", peak <= 60


if __name__ == "__main__":
    sys.exit(main())
