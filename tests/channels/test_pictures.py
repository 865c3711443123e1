"""Where pictures are said to be, and from where they may be fetched."""

from __future__ import annotations

import pytest

from triage.channels.pictures import QPIC, Origins, pictures_of, usable_url
from triage.channels.wecom_bot.fetching import BOT_PICTURES
from triage.message import Picture

OURS = Origins(QPIC, "http://127.0.0.1:8000/cgi")
BUCKET = "ww-aibot-img-1258476243.cos.ap-guangzhou.myqcloud.com"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://169.254.169.254/latest/meta-data/", id="a metadata service"),
        pytest.param("http://127.0.0.1/x", id="this machine"),
        pytest.param("http://127.0.0.1:8001/x", id="another port than the setting names"),
        pytest.param("https://127.0.0.1:8000/x", id="another scheme than the setting names"),
        pytest.param("http://localhost:8000/x", id="another name than the setting has"),
        pytest.param("https://qpic.cn.example.org/1", id="the platform's name before another one"),
        pytest.param("https://example.org/mmbiz.qpic.cn", id="the platform's name in the path"),
        pytest.param("https://xqpic.cn/1", id="a name that ends alike"),
        pytest.param("https://mmbiz.qpic.cn@example.org/1", id="the platform's name as a user"),
        pytest.param("https://example.org\\@mmbiz.qpic.cn/1", id="what two programs read in two ways"),
        pytest.param("https://mmbiz.qpic.cn:8443/1", id="another port of the platform"),
        pytest.param("https://mmbiz.qpic.cn:x/1", id="no port"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("gopher://mmbiz.qpic.cn/1", id="another protocol"),
        pytest.param("//mmbiz.qpic.cn/1", id="no protocol"),
        pytest.param("", id="nothing"),
        pytest.param(f"https://{BUCKET}/1", id="the storage of another channel"),
    ],
)
def test_nothing_is_fetched_but_from_the_platform(url: str) -> None:
    assert OURS.admit(url) is None


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://mmbiz.qpic.cn/mmbiz_jpg/A1/0", "https://mmbiz.qpic.cn/mmbiz_jpg/A1/0"),
        ("https://mmbiz.qpic.cn:443/A1/0?wx_fmt=jpeg", "https://mmbiz.qpic.cn/A1/0?wx_fmt=jpeg"),
        ("https://WEWORK.qpic.cn/wwpic/1/0#x", "https://wework.qpic.cn/wwpic/1/0"),
        ("http://127.0.0.1:8000/picture.png", "http://127.0.0.1:8000/picture.png"),
    ],
)
def test_the_platform_is_asked_over_tls_and_a_setting_s_place_as_it_is(url: str, asked: str) -> None:
    assert OURS.admit(url) == asked


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        (BUCKET, True),
        (BUCKET.replace("guangzhou", "shanghai"), True),
        (BUCKET.replace("1258476243", "1258476244"), False),
        ("anybody-1258476243.cos.ap-guangzhou.myqcloud.com", False),
        (f"x.{BUCKET}", False),
    ],
)
def test_of_a_storage_where_everybody_is_only_the_bots_part_counts(host: str, is_ours: bool) -> None:
    assert (Origins(BOT_PICTURES).admit(f"https://{host}/1") is not None) == is_ours


@pytest.mark.parametrize(
    ("fields", "pictures"),
    [
        pytest.param({}, (), id="nothing"),
        pytest.param({"PicUrl": " ", "MediaId": "m 1"}, (), id="nothing that can be used"),
        pytest.param({"PicUrl": "https://a" + "a" * 2048}, (), id="an address that is too long"),
        pytest.param({"MediaId": "m" * 513}, (), id="an id that is too long"),
        pytest.param({"PicUrl": "https://a/图"}, (), id="an address that is no ASCII"),
        pytest.param({"PicUrl": "http://a/1"}, (Picture("http://a/1"),), id="an address"),
        pytest.param({"MediaId": "m1"}, (Picture(media_id="m1"),), id="an id"),
        pytest.param({"PicUrl": "http://a/1", "MediaId": "m1"}, (Picture("http://a/1", "m1"),), id="both"),
    ],
)
def test_a_push_says_where_its_picture_is(fields: dict[str, str], pictures: tuple[Picture, ...]) -> None:
    assert pictures_of(fields) == pictures


@pytest.mark.parametrize("value", [None, 5, "", "a\nb", "https://a/" + "b" * 2048])
def test_what_is_no_address_is_nothing(value: object) -> None:
    assert usable_url(value) is None
