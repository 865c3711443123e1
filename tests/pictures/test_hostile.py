"""Pictures that were made to do harm end in a clear answer, in bounded time and memory, and harm no other picture."""

from __future__ import annotations

import io
import json
import os
import resource
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.paths import ROOT
from triage.errors import PictureError
from triage.pictures.formats import MAX_BYTES, MAX_PIXELS, format_of
from triage.pictures.reading import _ONE_AT_A_TIME, TIME_LIMITS, TimeLimits, read_picture

ALERT = (ROOT / "tests/data/pictures/ticket_failure.png").read_bytes()
APPID = "wxd05be41bd77ee4cf"
MOST_MEGABYTES = 600
NO_HURRY = TimeLimits(processor=60, clock=250)
"""So that the most that is decoded is decoded, also where the machine has much else to do."""
WIDE, HIGH = 8000, MAX_PIXELS // 8000
PNG = b"\x89PNG\r\n\x1a\n"
_READ = """
import json, resource, sys
from triage.errors import PictureError
from triage.pictures.reading import TimeLimits, read_picture
try:
    said = {"text": read_picture(sys.stdin.buffer.read(), TimeLimits(*map(int, sys.argv[1:]))).text}
except PictureError as exc:
    said = {"reason": exc.reason, "text": str(exc)}
print(json.dumps(said | {"kilobytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}))
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a picture: its text, or why there is none and what its sender is told."""

    reason: str | None
    text: str
    megabytes: int
    """At most in use by the process that read it."""


def outcome(data: bytes, limits: TimeLimits = TIME_LIMITS) -> Outcome:
    """Read in a process of its own, whose children are the readers of this picture alone."""
    command = [sys.executable, "-c", _READ, str(limits.processor), str(round(limits.clock))]
    done = subprocess.run(command, input=data, capture_output=True, cwd=ROOT, timeout=300, check=True)
    said = json.loads(done.stdout)
    return Outcome(said.get("reason"), said["text"], said["kilobytes"] // 1024)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def zeros(count: int) -> bytes:
    """That many zero bytes, packed a thousandfold."""
    packer = zlib.compressobj(9)
    blocks = [packer.compress(bytes(1 << 20)) for _ in range(count >> 20)]
    return b"".join([*blocks, packer.compress(bytes(count % (1 << 20))), packer.flush()])


def png(
    width: int, height: int, *, depth: int = 8, colour: int = 2, body: bytes | None = None, extra: bytes = b""
) -> bytes:
    """A black picture; of `colour` 0 grey, 2 red green blue, 6 with transparency too."""
    row = 1 + (width * depth * {0: 1, 2: 3, 6: 4}[colour] + 7) // 8
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    data = chunk(b"IDAT", zeros(row * height) if body is None else body)
    return PNG + head + extra + data + chunk(b"IEND", b"")


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opened() -> Image.Image:
    return Image.open(io.BytesIO(ALERT)).convert("RGB")


def jpeg_of_size(width: int, height: int) -> bytes:
    """A small JPEG whose header claims another size."""
    data = bytearray(saved(Image.new("RGB", (8, 8)), "JPEG"))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def gif_of_size(width: int, height: int) -> bytes:
    data = bytearray(saved(Image.new("P", (8, 8)), "GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def many_scans() -> bytes:
    """A progressive JPEG that repeats its last scan, each of which goes over the whole picture."""
    data = saved(Image.new("L", (4000, 4000), 200), "JPEG", progressive=True, quality=95)
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * 3000 + data[-2:]


# -- what is no picture


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%PDF-1.7\n",
        b"PK\x03\x04\x14\x00",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"BM" + bytes(60),
        b"II*\x00" + bytes(60),
        b"\x00\x00\x00\x18ftypheic" + bytes(60),
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        PNG[:7],
    ],
    ids=[
        "nothing", "a line end", "a web page", "a drawing with a script", "a document", "an archive",
        "a program for a printer", "a bitmap", "a scan", "a photograph as telephones keep it", "a sound",
        "half of the first bytes",
    ],
)  # fmt: skip
def test_what_is_no_picture_starts_nothing(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a reader was started"))
    with pytest.raises(PictureError, match="只读 PNG、JPEG、WebP、GIF") as caught:
        read_picture(data)
    assert caught.value.reason == "not_a_picture"


def test_a_byte_above_the_limit_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a reader was started"))
    with pytest.raises(PictureError, match="最多读 10 MB") as caught:
        read_picture(ALERT + bytes(MAX_BYTES + 1 - len(ALERT)))
    assert caught.value.reason == "too_large"


# -- what is broken


@pytest.mark.parametrize(
    "make",
    [
        lambda: PNG,
        lambda: PNG + b"<html><body>not what its name says</body></html>",
        lambda: ALERT[:33],
        lambda: b"\xff\xd8\xff\xe0",
        lambda: b"GIF89a",
        lambda: b"RIFF\xff\xff\xff\xffWEBPVP8 ",
        lambda: saved(opened(), "WEBP")[:200],
        lambda: PNG + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 0, 8, 2, 0, 0, 0)),
        lambda: PNG + chunk(b"IHDR", struct.pack(">IIBBBBB", 50, 50, 7, 9, 9, 9, 9)),
        lambda: png(50, 50, extra=chunk(b"zTXt", b"a\0\0" + zeros(300_000_000))),
        lambda: png(50, 50, extra=chunk(b"iCCP", b"a\0\0" + zeros(300_000_000))),
    ],
    ids=[
        "first bytes alone", "a web page after the first bytes", "no more than a header", "JPEG's first bytes",
        "GIF's first bytes", "WebP that claims four gigabytes", "half of a WebP", "no pixels",
        "no kind of pixels there is", "a remark of 300 MB", "a colour profile of 300 MB",
    ],
)  # fmt: skip
def test_a_broken_picture_is_told_so(make: Callable[[], bytes]) -> None:
    data = make()
    assert format_of(data)
    told = outcome(data)
    assert (told.reason, "换一张" in told.text) == ("broken", True), told
    assert told.megabytes < 100, "nothing was decoded"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.5, 0.98])
def test_a_download_that_broke_off_is_read_as_far_as_it_goes_or_told_to_be_broken(
    kind: str, share: float
) -> None:
    whole = saved(opened(), kind)
    told = outcome(whole[: int(len(whole) * share)])
    assert told.reason in (None, "broken")
    assert told.megabytes < MOST_MEGABYTES


# -- what unpacks to more than it looks


@pytest.mark.parametrize(
    "make",
    [
        lambda: png(WIDE, HIGH + 1, depth=1, colour=0),
        lambda: png(100_000, 100_000, body=b""),
        lambda: png(2**31 - 1, 2**31 - 1, body=b""),
        lambda: jpeg_of_size(65_500, 65_500),
        lambda: gif_of_size(65_535, 65_535),
        lambda: saved(Image.new("L", (6000, MAX_PIXELS // 6000 + 1)), "WEBP"),
    ],
    ids=["a row too many", "10 gigapixels", "the largest PNG", "the largest JPEG", "the largest GIF", "a large WebP"],
)  # fmt: skip
def test_more_pixels_than_are_decoded_are_told_by_the_header(make: Callable[[], bytes]) -> None:
    told = outcome(make())
    assert (told.reason, "万像素" in told.text) == ("too_many_pixels", True), told
    assert told.megabytes < 100, "nothing was decoded"


@pytest.mark.parametrize(
    "make",
    [
        lambda: png(WIDE, HIGH, depth=16, colour=6),
        lambda: saved(Image.new("L", (WIDE, HIGH), 255), "JPEG", exif=_turned(6)),
        lambda: saved(Image.new("RGB", (WIDE, HIGH)), "JPEG", progressive=True, subsampling=0, quality=30),
        lambda: saved(Image.new("P", (WIDE, HIGH)), "GIF"),
        lambda: saved(Image.new("RGBA", (WIDE, HIGH)), "WEBP", lossless=True, method=0),
        lambda: saved(_noise(), "JPEG"),
        lambda: saved(_chessboard(), "PNG"),
        lambda: png(MAX_PIXELS, 1, depth=1, colour=0),
        lambda: png(2, MAX_PIXELS // 2, depth=1, colour=0),
        lambda: png(50, 50, body=zeros(500_000_000)),
    ],
    ids=[
        "all pixels that are decoded, of 64 bits", "all of them in a JPEG to be turned", "all in many scans",
        "all in a GIF", "a transparent WebP as large as is decoded", "noise", "a chessboard", "one row", "two columns",
        "500 MB behind the last pixel",
    ],
)  # fmt: skip
def test_the_most_that_is_decoded_stays_within_the_memory(make: Callable[[], bytes]) -> None:
    data = make()
    assert len(data) < MAX_BYTES
    told = outcome(data, NO_HURRY)
    assert told.reason is None, told
    assert told.megabytes <= MOST_MEGABYTES


def _turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, (2000, 1500, 3), dtype=np.uint8))


def _chessboard() -> Image.Image:
    return Image.fromarray((np.indices((2400, 2400)).sum(0) // 6 % 2 * 255).astype(np.uint8))


# -- what takes long


def test_a_picture_that_takes_too_long_is_ended_by_the_system() -> None:
    with pytest.raises(PictureError, match="读得太久") as caught:
        read_picture(many_scans(), TimeLimits(processor=1))
    assert caught.value.reason == "too_slow"


def test_a_picture_in_between_is_not_lost_while_another_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    spans: list[int] = []
    real = subprocess.run

    def watched(*args: object, **options: object) -> object:
        spans.append(1)
        try:
            return real(*args, **options)  # type: ignore[call-overload]
        finally:
            spans.append(-1)

    monkeypatch.setattr(subprocess, "run", watched)
    texts: list[str] = []
    readers = [threading.Thread(target=lambda: texts.append(read_picture(ALERT).text)) for _ in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(90)
    assert [APPID in text for text in texts] == [True, True]
    assert all(before != after for before, after in pairwise(spans)), "two were read at the same time"


def test_who_waits_too_long_for_another_s_picture_is_told_so() -> None:
    with _ONE_AT_A_TIME, pytest.raises(PictureError, match="前面的图还没读完") as caught:
        read_picture(ALERT, TimeLimits(turn=0.01))
    assert caught.value.reason == "busy"
    assert APPID in read_picture(ALERT).text


# -- what is odd but can be read


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (20_000, 1), (1, 20_000), (7, 7), (8, 8), (20_000, 8), (8, 20_000)]
)
def test_a_picture_too_small_for_text_has_none(width: int, height: int) -> None:
    told = outcome(png(width, height))
    assert (told.reason, told.text) == (None, "")
    assert told.megabytes < MOST_MEGABYTES


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_alone_is_read(kind: str) -> None:
    first = opened().convert("P" if kind == "GIF" else "RGB")
    others = [Image.new(first.mode, first.size, shade) for shade in range(40)]
    told = outcome(saved(first, kind, save_all=True, append_images=others, duration=10))
    assert APPID in told.text
    assert told.megabytes < MOST_MEGABYTES


def _exif_with(body: bytes) -> bytes:
    return saved(opened(), "JPEG", quality=95, exif=b"Exif\0\0" + body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"MM\0*\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\xe7\x03\0\0\0\0\0\0",
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\xff\xff\xff\x7f\xff\xff\xff\x7f\0\0\0\0",
        b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0",
        b"II*\0\x08\0\0\0\xff\xff" + b"\x0f\x01\x02\0\xff\xff\xff\x0f\x08\0\0\0" * 4000,
    ],
    ids=[
        "empty", "that begins behind its end", "that turns by no way there is", "with two billion orientations",
        "that leads back to itself", "with 65,535 makers of 256 MB each",
    ],
)  # fmt: skip
def test_an_exif_that_is_a_lie_does_not_keep_the_text(body: bytes) -> None:
    told = outcome(_exif_with(body))
    assert APPID in told.text
    assert told.megabytes < MOST_MEGABYTES


def test_a_picture_is_read_where_the_service_may_not_step_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """deploy/triage@.service refuses what changes a priority."""
    strict = tmp_path / "python"
    strict.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'import os\n"
        'def refused(step): raise PermissionError(1, "Operation not permitted")\n'
        "os.nice = refused\nfrom triage.pictures import worker\nworker.main()' 10\n"
    )
    strict.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(strict))
    monkeypatch.chdir(ROOT)
    assert APPID in read_picture(ALERT).text


def test_what_a_reader_may_use_does_not_bind_the_service() -> None:
    before = [resource.getrlimit(kind) for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS)]
    with pytest.raises(PictureError):
        read_picture(PNG)
    assert [resource.getrlimit(kind) for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS)] == before
    assert os.getpriority(os.PRIO_PROCESS, 0) == os.nice(0)
