"""The custom menu under the chat, whose clicks say what could be typed; and what the platform would refuse of one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from triage.wording import Wording

BUTTONS: Mapping[str, str | Mapping[str, str]] = {
    "查报警": {
        "连接超时": "连接超时",
        "请求超时": "请求超时",
        "回应失败": "回应失败",
        "MarkFail 屏蔽": "MarkFail",
        "ticket 推送": "ticket",
    },
    "事件": {"现在的事件": "状态", "我认领的": "我的", "以前的事件": "历史"},
    "接着看": {"更多": "更多", "下一步": "下一步", "为什么": "为什么", "这步没用": "没用", "帮助": "帮助"},
}
"""Name to the word a click stands for, or to more buttons. Words, not digits: a digit may choose what was offered."""


_MAX_BUTTONS = 3
_MAX_SUB_BUTTONS = 5
_MAX_NAME_WIDTH = 4
_MAX_SUB_NAME_WIDTH = 8
_MAX_KEY_BYTES = 128
_KEYED = ("click", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin")
_NEEDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys((*_KEYED, "location_select"), ("key",)),
    "view": ("url",),
    "miniprogram": ("url", "appid", "pagepath"),
    "media_id": ("media_id",),
    "article_id": ("article_id",),
    "article_view_limited": ("article_id",),
}


def make_menu() -> dict[str, Any]:
    """The bot's menu as the platform wants it."""
    return {"button": [_button(name, target) for name, target in BUTTONS.items()]}


def _button(name: str, target: str | Mapping[str, str]) -> dict[str, Any]:
    if isinstance(target, str):
        return {"type": "click", "name": name, "key": target}
    return {"name": name, "sub_button": [_button(*item) for item in target.items()]}


def menu_mistakes(menu: object) -> Iterator[str]:
    """What the platform would refuse or cut, one line each.

    https://developers.weixin.qq.com/doc/subscription/api/custommenu/api_createcustommenu.html
    """
    buttons = menu.get("button") if isinstance(menu, dict) else None
    if not isinstance(buttons, list):
        yield Wording('a menu is an object like {"button": […]}')
        return
    if not 1 <= len(buttons) <= _MAX_BUTTONS:
        yield Wording(
            "button: {count} buttons; 1 to {most} are allowed",
            count=len(buttons),
            most=_MAX_BUTTONS,
        )
    for number, button in enumerate(buttons):
        place = f"button[{number}]"
        below = button.get("sub_button") if isinstance(button, dict) else None
        if not below:
            yield from _button_mistakes(place, button, _MAX_NAME_WIDTH)
            continue
        yield from _name_mistakes(place, button, _MAX_NAME_WIDTH)
        if not isinstance(below, list) or len(below) > _MAX_SUB_BUTTONS:
            yield Wording(
                "{place}.sub_button: give a list of 1 to {most} buttons",
                place=place,
                most=_MAX_SUB_BUTTONS,
            )
            continue
        for index, item in enumerate(below):
            yield from _button_mistakes(f"{place}.sub_button[{index}]", item, _MAX_SUB_NAME_WIDTH)


def _button_mistakes(place: str, button: object, widest: int) -> Iterator[str]:
    if not isinstance(button, dict):
        yield Wording("{place}: give an object with name and type", place=place)
        return
    yield from _name_mistakes(place, button, widest)
    if button.get("sub_button"):
        yield Wording("{place}: there is no third level of buttons", place=place)
    type_ = button.get("type")
    if not isinstance(type_, str) or type_ not in _NEEDS:
        yield Wording(
            "{place}: type {type!r} is none of {types}", place=place, type=type_, types=", ".join(_NEEDS)
        )
        return
    for key in _NEEDS[type_]:
        value = button.get(key)
        if not isinstance(value, str) or not value:
            yield Wording("{place}: a {type} button needs '{key}'", place=place, type=type_, key=key)
        elif key == "key" and len(value.encode()) > _MAX_KEY_BYTES:
            yield Wording(
                "{place}: the key has {size} bytes, at most {most} are allowed",
                place=place,
                size=len(value.encode()),
                most=_MAX_KEY_BYTES,
            )


def _name_mistakes(place: str, button: Mapping[str, object], widest: int) -> Iterator[str]:
    name = button.get("name")
    if not isinstance(name, str) or not name.strip():
        yield Wording("{place}: a button needs a name", place=place)
    elif _width(name) > widest:
        yield Wording(
            "{place}: '{name}' is wider than {widest} Chinese characters and would be cut",
            place=place,
            name=name,
            widest=widest,
        )


def _width(name: str) -> float:
    """In 汉字: half of one for a narrow character."""
    return sum(1.0 if unicodedata.east_asian_width(character) in "WF" else 0.5 for character in name)
