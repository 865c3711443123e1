"""Screenshots are read whole, and what is no picture is refused with a sentence for whoever sent it."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.support.paths import ROOT
from triage.errors import PictureError
from triage.pictures import reading
from triage.pictures.formats import MAX_BYTES, MAX_PIXELS, format_of, require_size
from triage.pictures.reading import TimeLimits, read_picture

PICTURES = ROOT / "tests/data/pictures"


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("ticket_failure.png", ["wxd05be41bd77ee4cf", "得到的回应不合法(应返回success)", "30分钟9次"]),
        (
            "soft_wraps_dark.png",
            ["推送消息或事件后，开发者5秒内没有返回 次数:5分钟 97次", "[IP=xx][Event=Click Menu Url]"],
        ),
        ("pale_bubbles.jpg", ["2016-04-12 08:30:00", "解析DNS超时，超时时间为5秒\n"]),
        (
            "small_letters.jpg",
            ["[IP=192.0.2.69][MsgType=20000][Event=Template Send Job Finish][http code=999]"],
        ),
    ],
)
def test_a_screenshot_is_read_with_its_soft_wraps_joined(file: str, said: list[str]) -> None:
    text = read_picture((PICTURES / file).read_bytes()).text
    assert not [words for words in said if words not in text], text


def test_a_chat_s_names_and_times_are_lines_but_not_what_was_said() -> None:
    read = read_picture((PICTURES / "pale_bubbles.jpg").read_bytes())
    assert "09:02" in [line.text for line in read.lines]
    assert "09:02" not in read.text
    assert read.text.endswith("\n\n谁看一下？")


def test_lines_stand_where_they_are_in_the_picture() -> None:
    read = read_picture((PICTURES / "small_letters.jpg").read_bytes())
    appid = next(line for line in read.lines if line.text.startswith("Appid"))
    assert (read.width, read.height) == (651, 791)
    assert abs(appid.box[0] - 66) < 6
    assert abs(appid.box[1] - 154) < 6


@pytest.mark.parametrize(("kind", "orientation"), [("JPEG", 3), ("JPEG", 6), ("JPEG", 8), ("WEBP", 6)])
def test_a_picture_is_read_as_its_camera_was_held(kind: str, orientation: int) -> None:
    turned = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    with Image.open(PICTURES / "ticket_failure.png") as image:
        image.convert("RGB").transpose(turned[orientation]).save(file, kind, quality=90, exif=exif)
    assert "wxd05be41bd77ee4cf" in read_picture(file.getvalue()).text


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "JPEG"])
def test_every_format_is_told_by_its_first_bytes_and_read(kind: str) -> None:
    file = io.BytesIO()
    with Image.open(PICTURES / "ticket_failure.png") as image:
        image.convert("RGB").save(file, kind)
    assert format_of(file.getvalue()) == kind
    assert "应返回success" in read_picture(file.getvalue()).text


def test_without_the_extra_the_sender_is_told_how_to_switch_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "is_available", lambda: False)
    with pytest.raises(PictureError, match="pip install") as caught:
        read_picture(b"\x89PNG\r\n\x1a\n")
    assert caught.value.reason == "not_installed"


def test_a_reader_that_does_not_come_back_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(slow))
    with pytest.raises(PictureError) as caught:
        read_picture((PICTURES / "ticket_failure.png").read_bytes(), TimeLimits(clock=0.2))
    assert caught.value.reason == "too_slow"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_a_picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * MAX_BYTES, "too_large"),
    ],
    ids=["nothing", "a drawing", "a byte more than is taken"],
)
def test_what_is_no_picture_is_refused_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, data: bytes, reason: str
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere")
    with pytest.raises(PictureError) as caught:
        read_picture(data)
    assert caught.value.reason == reason


def test_the_limit_of_pixels_holds_to_the_pixel() -> None:
    require_size(MAX_PIXELS, 1)
    with pytest.raises(PictureError) as caught:
        require_size(MAX_PIXELS + 1, 1)
    assert caught.value.reason == "too_many_pixels"
