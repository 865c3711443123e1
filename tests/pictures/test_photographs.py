"""A photograph of a screen is told from a screenshot, made level, and read as one."""

from __future__ import annotations

import io
import math
import unicodedata
from itertools import pairwise

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.support.paths import ROOT
from triage.pictures.photographs import blocks_of, is_photograph, leveled
from triage.pictures.reading import read_picture
from triage.pictures.values import Line

PICTURES = ROOT / "tests/data/pictures"


def pixels(file: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(PICTURES / file) as image:
        return np.array(image.convert("RGB"))


def photographed(file: str, tilt: float) -> bytes:
    """As a hand-held camera takes it: tilted, a little from the side, not quite sharp, with a shade and noise."""
    screen = cv2.copyMakeBorder(pixels(file), 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=(80, 74, 70))
    height, width = screen.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = corners + np.array([[14, 4], [-3, 0], [0, -6], [0, 0]], np.float32)
    turn = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), tilt, 0.97), [0, 0, 1]])
    view = turn @ cv2.getPerspectiveTransform(corners, seen)
    taken = cv2.warpPerspective(screen, view, (width, height), flags=cv2.INTER_CUBIC)
    blurred = cv2.GaussianBlur(taken, (0, 0), 0.7) * np.linspace(1.0, 0.88, width)[None, :, None]
    noisy = blurred + np.random.default_rng(7).normal(0, 4, taken.shape)
    file_of = io.BytesIO()
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(file_of, "JPEG", quality=85)
    return file_of.getvalue()


@pytest.mark.parametrize(
    "file", ["ticket_failure.png", "soft_wraps_dark.png", "pale_bubbles.jpg", "small_letters.jpg"]
)
def test_a_screenshot_is_no_photograph_however_it_was_kept(file: str) -> None:
    assert not is_photograph(pixels(file))
    kept = io.BytesIO()
    Image.fromarray(pixels(file)).save(kept, "JPEG", quality=35)
    assert not is_photograph(np.array(Image.open(kept)))


def test_a_photograph_is_one() -> None:
    assert is_photograph(np.array(Image.open(io.BytesIO(photographed("ticket_failure.png", 1.5)))))
    assert not is_photograph(np.zeros((7, 7, 3), np.uint8))


@pytest.mark.parametrize("tilt", [-2.0, 1.5])
@pytest.mark.parametrize(
    ("file", "said"),
    [
        (
            "ticket_failure.png",
            ["wxd05be41bd77ee4cf", "2023-03-29 16:56:44", "时,得到的回应不合法(应返回success)"],
        ),
        ("pale_bubbles.jpg", ["2016-04-12 08:30:00", "解析DNS超时，超时时间为5秒"]),
    ],
)
def test_a_photograph_is_read_as_the_screen_it_shows(file: str, said: list[str], tilt: float) -> None:
    text = unicodedata.normalize("NFKC", read_picture(photographed(file, tilt)).text)
    assert not [words for words in said if unicodedata.normalize("NFKC", words) not in text], text


def test_boxes_are_turned_back_by_the_tilt_of_most_of_them() -> None:
    slope = math.tan(math.radians(2))
    corners = [
        np.array([[100, y], [500, y + 400 * slope], [500, y + 400 * slope + 20], [100, y + 20]], np.float32)
        for y in (100, 130, 160)
    ]
    boxes = leveled(corners)
    assert {right - left for left, _, right, _ in boxes} == {400}
    steps = [after[1] - before[1] for before, after in pairwise(boxes)]
    assert steps == [30, 30]
    assert abs(boxes[0][0] - boxes[2][0]) <= 3


def line(text: str, top: int, *, left: int = 100, right: int = 600) -> Line:
    return Line(text, (left, top, right, top + 20), 0.9, 0)


def test_what_was_said_is_a_block_of_its_own_beside_a_title_and_a_short_answer() -> None:
    said = [line(f"第{number}行", 100 + 30 * number) for number in range(4)]
    lines, panels = blocks_of(
        [line("物业系统(5)", 10, left=300, right=420), *said, line("收到", 240, left=520)]
    )
    texts = [[each.text for each in lines if each.panel == panel.id] for panel in panels if panel.is_bubble]
    assert texts == [["第0行", "第1行", "第2行", "第3行"]]
    assert len(panels) == 3


def test_a_blank_line_parts_no_block() -> None:
    _, panels = blocks_of([line("一", 100), line("二", 160), line("三", 220), line("四", 280)])
    assert [panel.is_bubble for panel in panels] == [True]


def test_nothing_has_no_blocks() -> None:
    assert blocks_of([]) == ([], [])
