"""Masking: nothing secret is repeated in a chat, and what people need to read is left alone."""

from __future__ import annotations

import re
import sys
from string import ascii_lowercase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.masking import mask, mask_appid, mask_paste

OPENID = "oQ7dXk2VbnTzLr5WfGh8JmPs3YcA"
HEX32 = "0123456789abcdef0123456789abcdef"
SHA1 = "0123456789abcdef0123456789abcdef01234567"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r"

KEPT = {
    "the guide's sentence": "微信服务器向公众号推送消息或事件后，开发者5秒内没有返回",
    "an address without a query": "https://wx.example.com:8443/mp/event",
    "an IP and a port": "203.0.113.9:8080",
    "an HTTP status": "http code=404",
    "a count": "5分钟 1272次",
    "a bare success": '"success"',
    "a long domain": "a-very-long-host-name-without-any-digits-in-it-at-all.example.com",
    "an original id": "gh_5d21c07be94f",
    "a short word after a colon": "token: 无",
    "a question about a token": "access_token 怎么存",
}
HIDDEN = {
    "an OpenID": (f"OpenID 是 {OPENID} 的用户", OPENID),
    "an OpenID in a bracket": (f"[OpenID={OPENID}]", OPENID),
    "an OpenID in XML": (f"<ToUserName><![CDATA[{OPENID}]]></ToUserName>", OPENID),
    "a query": ("https://wx.example.com/cb?tenant=42&x=y", "tenant"),
    "a query in brackets": ("[3rdUrl=http://wx.example.com/cb?k=v1234]", "v1234"),
    "a query on a bare path": ("/cb?signature=0a1b2c3d&timestamp=1", "0a1b2c3d"),
    "user and password": ("https://root:hunter2@db.example.com/x", "hunter2"),
    "a password with an at sign": ("https://root:hun@ter2@db.example.com/x", "ter2"),
    "a token in JSON": ('{"access_token": "5_AbCdEf", "expires_in": 7200}', "5_AbCdEf"),
    "a token in JSON inside JSON": (r"{\"access_token\":\"5_AbCdEf\"}", "5_AbCdEf"),
    "a secret": ("appsecret=abcd1234", "abcd1234"),
    "a key with a colon": ("EncodingAESKey: abcdefgh", "abcdefgh"),
    "a secret in capitals": ("APPSECRET=abcd1234", "abcd1234"),
    "an authorization header": ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    "a cookie": ("Cookie: laravel=abcd", "abcd"),
    "a sha1": (f"签名是 {SHA1}", SHA1),
    "an AppSecret standing alone": (f"密钥 {HEX32}", HEX32),
    "a payment sign in XML": (f"<sign><![CDATA[{HEX32.upper()}]]></sign>", HEX32.upper()),
    "a JWT": (f"登录票 {JWT}", "eyJzdWIiOiIxIn0"),
    "a JWT's beginning": (f"登录票 {JWT}", "eyJhbGciOiJIUzI1NiJ9"),
    "an AES key": ("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "klmnopqrstuvwxyz0123456789"),
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(("text", "secret"), HIDDEN.values(), ids=HIDDEN)
def test_a_secret_does_not_stay(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in mask(text)


def test_a_letter_that_only_looks_like_another_hides_no_name() -> None:
    """An expression that ignores case reads four letters beyond ASCII as an i, an s or a k."""
    names = {"i": "sign", "s": "secret", "k": "key"}
    foreign = "".join(map(chr, range(128, sys.maxunicode + 1)))
    taken = [(letter, char) for letter in ascii_lowercase for char in re.findall(f"(?i){letter}", foreign)]
    assert len(taken) == 4
    for letter, char in taken:
        assert "abcd1234" not in mask(f"{names[letter].replace(letter, char)}=abcd1234")


def test_the_ends_of_an_openid_stay_to_find_it_by() -> None:
    assert mask(f"用户 {OPENID} 说") == "用户 oQ7d…3YcA 说"


def test_the_address_before_a_query_stays() -> None:
    assert mask("回调 https://wx.example.com/cb?token=1234") == "回调 https://wx.example.com/cb?…"


@pytest.mark.parametrize(
    ("appid", "masked"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("wxab****", "wxab****", id="masked already"),
        pytest.param("wx352e1c916f58ea3b", "wx35…ea3b", id="an AppID"),
    ],
)
def test_an_appid_is_cut_down_to_its_ends(appid: str, masked: str) -> None:
    assert mask_appid(appid) == masked


@given(st.text("abco019=:?&@/\"' \n<>]{}，", max_size=200))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_masking_twice_is_masking_once(text: str) -> None:
    once = mask(text)
    assert mask(once) == once


@pytest.mark.parametrize(
    ("kept", "hidden"),
    [
        pytest.param("o" + "a1" * 13, "o" + "a1" * 13 + "a", id="an OpenID has 28 characters"),
        pytest.param("f" * 31, "f" * 32, id="hexadecimal digits are a secret from 32 on"),
        pytest.param("Zz9" * 13, "Zz9" * 13 + "Z", id="a token is a secret from 40 characters on"),
        pytest.param("token=abc", "token=abcd", id="a value is a secret from four characters on"),
        pytest.param("Cookie:abc", "Cookie:abcd", id="so is that of a header"),
    ],
)
def test_a_secret_is_told_by_its_length(kept: str, hidden: str) -> None:
    assert mask(kept) == kept
    assert mask(hidden) != hidden


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ('proxy_set_header Authorization "Basic abc";', "proxy_set_header Authorization …"),
        ("fastcgi_param DB_PASSWORD abc;", "fastcgi_param DB_PASSWORD …"),
        ('if ($cookie_session != "abc") {', "if ($cookie_session …"),
        ("proxy_read_timeout 4s;", "proxy_read_timeout 4s;"),
        ("keepalive 64; author", "keepalive 64; author"),
    ],
)
def test_a_secret_after_a_blank_is_hidden_to_the_end_of_its_line(line: str, masked: str) -> None:
    assert mask_paste(f"{line}\nlisten 80;") == f"{masked}\nlisten 80;"


def test_a_paste_of_names_alone_is_masked_in_linear_time() -> None:
    assert mask_paste("token" * 200_000) == "token" * 200_000
    assert mask_paste("token " * 200_000) == "token …"
