"""The catalogue says of every push which replies are legal, and finds it by what an alert calls it."""

from __future__ import annotations

from collections import Counter

import pytest

from triage.platform.pushes import (
    COMPONENT_INFO,
    PAYMENT_NOTIFY,
    PUSHES,
    AlertedPush,
    Family,
    Grade,
    Push,
    ReplyForm,
    find_push,
    push_of_alert,
)

SUCCESS, EMPTY, XML = ReplyForm.SUCCESS, ReplyForm.EMPTY, ReplyForm.XML

# The events of pushes.md §3, row by row.
EVENTS = [
    "subscribe", "unsubscribe", "SCAN", "LOCATION", "CLICK", "VIEW", "view_miniprogram", "view_limited", "miniprogram",
    "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select",
    "TEMPLATESENDJOBFINISH", "MASSSENDJOBFINISH",
    "subscribe_msg_popup_event", "subscribe_msg_change_event", "subscribe_msg_sent_event",
    "user_info_modified", "user_authorization_revoke",
    "card_pass_check", "card_not_pass_check", "user_get_card", "user_gifting_card", "user_consume_card",
    "user_pay_from_pay_cell", "user_view_card", "user_del_card", "user_enter_session_from_card", "update_member_card",
    "card_sku_remind", "card_pay_order", "submit_membercard_user_info", "merchant_order", "user_authorize_invoice",
    "kf_create_session", "kf_close_session", "kf_switch_session",
    "ShakearoundUserShake", "ShakearoundLotteryBind", "WifiConnected",
    "user_scan_product", "user_scan_product_enter_session", "user_scan_product_async",
    "user_scan_product_verify_action", "subscribe_scan_product",
    "qualification_verify_success", "qualification_verify_fail", "naming_verify_success", "naming_verify_fail",
    "annual_renew", "verify_expired",
    "wxa_media_check", "weapp_audit_success", "weapp_audit_fail", "weapp_audit_delay", "wxa_nickname_audit",
    "wxa_illegal_record", "wxa_appeal_record", "wxa_privacy_apply", "wxa_category_audit", "wx_verify_pay_succ",
    "wx_verify_dispatch", "trade_manage_remind_shipping", "trade_manage_order_settlement", "open_product_order_pay",
]  # fmt: skip
MESSAGES = [
    "text", "image", "voice", "video", "shortvideo", "location", "link", "device_text", "device_event",
    "device_status", "hardware",
]  # fmt: skip
COMPONENTS = [
    "component_verify_ticket", "authorized", "unauthorized", "updateauthorized", "notify_third_fasteregister",
    "notify_third_fastregisterbetaapp", "notify_third_fastverifybetaapp", "wxa_nickname_audit",
    "notify_icpfiling_verify_result", "notify_apply_icpfiling_result", "notify_3rd_wxa_auth",
    "notify_3rd_wxa_wxverify", "order_path_apply_result_notify",
]  # fmt: skip
EVENTS_THAT_TAKE_XML = {"subscribe", "SCAN", "CLICK", "scancode_push", "scancode_waitmsg"}


def event(name: str) -> Push:
    push = find_push(name, Family.EVENT)
    assert push is not None
    return push


def names(family: Family) -> list[str]:
    return [push.name for push in PUSHES if push.family is family]


def test_catalogue_holds_every_known_push_and_no_other() -> None:
    assert names(Family.MESSAGE) == MESSAGES
    assert names(Family.EVENT) == EVENTS
    assert names(Family.COMPONENT) == COMPONENTS
    assert [push for push in PUSHES if push.family is Family.PAYMENT] == [PAYMENT_NOTIFY]


def test_names_are_unique_within_a_family_whatever_their_case() -> None:
    counts = Counter((push.family, push.name.casefold()) for push in PUSHES)

    assert max(counts.values()) == 1


def test_every_push_has_a_meaning_and_a_reply() -> None:
    assert all(push.meaning and push.replies for push in PUSHES)


@pytest.mark.parametrize("name", EVENTS)
def test_events_take_xml_only_where_the_user_awaits_an_answer(name: str) -> None:
    assert (XML in event(name).replies) == (name in EVENTS_THAT_TAKE_XML)


def test_location_report_takes_success_only() -> None:
    assert event("LOCATION").replies == {SUCCESS}
    assert event("LOCATION").grade is Grade.CONFIRMED


def test_unsubscribe_takes_no_message() -> None:
    assert event("unsubscribe").replies == {SUCCESS, EMPTY}


def test_component_pushes_take_success_only() -> None:
    assert {push.replies for push in PUSHES if push.family is Family.COMPONENT} == {frozenset({SUCCESS})}


def test_messages_take_any_ordinary_reply() -> None:
    replies = {push.replies for push in PUSHES if push.family is Family.MESSAGE}

    assert replies == {frozenset({SUCCESS, EMPTY, XML})}


def test_payment_takes_its_own_xml_only() -> None:
    assert PAYMENT_NOTIFY.replies == {ReplyForm.PAYMENT_XML}


def test_customer_service_events_are_marked_unverified() -> None:
    unverified = {push.name for push in PUSHES if push.grade is Grade.UNVERIFIED}

    assert unverified == {"kf_create_session", "kf_close_session", "kf_switch_session"}


@pytest.mark.parametrize(
    ("name", "family", "limit"),
    [
        pytest.param("text", Family.MESSAGE, 1, id="a text message"),
        pytest.param("image", Family.MESSAGE, 1, id="an image"),
        pytest.param("voice", Family.MESSAGE, 1, id="a voice message"),
        pytest.param("video", Family.MESSAGE, 1, id="a video"),
        pytest.param("location", Family.MESSAGE, 1, id="a location message"),
        pytest.param("link", Family.MESSAGE, 8, id="a link"),
        pytest.param("CLICK", Family.EVENT, 8, id="a menu click"),
        pytest.param("subscribe", Family.EVENT, 8, id="a new follower"),
    ],
)
def test_news_reply_may_carry_this_many_articles(name: str, family: Family, limit: int) -> None:
    push = find_push(name, family)

    assert push is not None
    assert push.article_limit == limit


@pytest.mark.parametrize(
    ("name", "family", "found"),
    [
        pytest.param("nonsense", None, None, id="an unknown name finds nothing"),
        pytest.param("CLICK", Family.MESSAGE, None, id="the wrong family finds nothing"),
        pytest.param("click", None, (Family.EVENT, "CLICK"), id="case does not matter"),
        pytest.param("location", None, (Family.MESSAGE, "location"), id="the exact message name wins"),
        pytest.param("LOCATION", None, (Family.EVENT, "LOCATION"), id="the exact event name wins"),
        pytest.param("Location", None, (Family.MESSAGE, "location"), id="else the catalogue's order decides"),
        pytest.param(
            "location", Family.EVENT, (Family.EVENT, "LOCATION"), id="the family narrows the search"
        ),
        pytest.param(
            "wxa_nickname_audit",
            Family.COMPONENT,
            (Family.COMPONENT, "wxa_nickname_audit"),
            id="one name in two families",
        ),
    ],
)
def test_push_is_found_by_wire_name(
    name: str, family: Family | None, found: tuple[Family, str] | None
) -> None:
    push = find_push(name, family)

    assert (push and (push.family, push.name)) == found


@pytest.mark.parametrize(
    ("event_name", "msg", "msg_type", "found"),
    [
        pytest.param(None, None, None, None, id="nothing given names nothing"),
        pytest.param(None, None, 20000, None, id="the number of generic events names none"),
        pytest.param(None, None, 20002, None, id="a number shared by two events names none"),
        pytest.param(None, None, 4711, None, id="an unknown number names none"),
        pytest.param("Brand New Event", "Text", 1, None, id="an unknown event is not replaced by a guess"),
        pytest.param("Subscribe", None, None, "subscribe", id="Subscribe"),
        pytest.param("UnSubscribe", None, None, "unsubscribe", id="UnSubscribe"),
        pytest.param("UnSubscribe", "Subscribe", 20002, "unsubscribe", id="Event wins over Msg"),
        pytest.param("Scan QRCode", None, 20000, "SCAN", id="Scan QRCode"),
        pytest.param("Location Report", None, None, "LOCATION", id="Location Report"),
        pytest.param("Click", None, None, "CLICK", id="Click"),
        pytest.param("Click Menu Url", None, None, "VIEW", id="Click Menu Url"),
        pytest.param(
            "Template Send Job Finish", None, None, "TEMPLATESENDJOBFINISH", id="a template receipt"
        ),
        pytest.param("Component Ticket", None, 20100, "component_verify_ticket", id="Component Ticket"),
        pytest.param("Component Info", None, 20101, "Component Info", id="Component Info"),
        pytest.param("clickmenu  URL", None, None, "VIEW", id="case and white space do not matter"),
        pytest.param("view_miniprogram", None, None, "view_miniprogram", id="a wire name serves as well"),
        pytest.param(None, "Text", None, "text", id="Msg alone names a message"),
        pytest.param("", "Text", None, "text", id="an empty Event is no Event"),
        pytest.param(None, "Location", None, "location", id="Msg names the message, not the event"),
        pytest.param(None, "Subscribe", 20002, "subscribe", id="Msg alone names an event where it can"),
        pytest.param(None, None, 1, "text", id="the number of texts"),
        pytest.param(None, "?", 20100, "component_verify_ticket", id="the number helps an unknown Msg"),
        pytest.param(None, None, 20101, "Component Info", id="the number of component messages"),
    ],
)
def test_alert_names_its_push(
    event_name: str | None, msg: str | None, msg_type: int | None, found: str | None
) -> None:
    push = push_of_alert(event_name, msg, msg_type)

    assert (push.name if push else None) == found


def test_payment_alert_is_a_payment_push() -> None:
    assert push_of_alert(None, None, None, AlertedPush.PAYMENT) is PAYMENT_NOTIFY


def test_every_alert_name_resolves_to_a_push_that_bears_it() -> None:
    for push in (*PUSHES, COMPONENT_INFO):
        for name in push.alert_names:
            by_event, by_msg = push_of_alert(name, None, None), push_of_alert(None, name, None)
            assert push in (by_event, by_msg)


def test_unnamed_component_push_takes_what_every_component_push_takes() -> None:
    assert COMPONENT_INFO not in PUSHES
    assert COMPONENT_INFO.family is Family.COMPONENT
    assert COMPONENT_INFO.replies == {SUCCESS}


@pytest.mark.parametrize(
    ("push", "rule", "legal"),
    [
        pytest.param(find_push("text"), "R3", " success、空包体（0 字节）或回应 XML", id="a message"),
        pytest.param(event("VIEW"), "R18", " success 或空包体（0 字节）", id="an event"),
        pytest.param(event("unsubscribe"), "R17", " success 或空包体（0 字节）", id="an unsubscribe"),
        pytest.param(event("LOCATION"), "R16", " success", id="a location report"),
        pytest.param(COMPONENT_INFO, "R15", " success", id="a component push"),
    ],
)
def test_push_tells_its_legal_replies_and_their_rule(push: Push, rule: str, legal: str) -> None:
    assert (push.rule, push.legal) == (rule, legal)
