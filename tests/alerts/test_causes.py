"""The sample proves what it shows and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.alerts.causes import CAUSES, find_causes
from triage.alerts.sample import Sample
from triage.platform.pushes import AlertedPush

FAN, ACCOUNT = "oxn5eNDIHrcf0u3pkWQdcgcmxBms", "gh_36db96728982"


def reply(to: str = FAN, sender: str = ACCOUNT, time: str = "1557121759", content: str = "hi") -> str:
    return (
        f"<xml>\n<ToUserName><![CDATA[{to}]]></ToUserName>\n<FromUserName><![CDATA[{sender}]]></FromUserName>\n"
        f"<CreateTime>{time}</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n"
        f"<Content><![CDATA[{content}]]></Content>\n</xml>"
    )


def payment(code: str) -> str:
    return f"<xml><return_code><![CDATA[{code}]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>"


BAD, PAID = AlertedPush.MESSAGE, AlertedPush.PAYMENT
PROVES: dict[str, tuple[AlertedPush, dict[str, Any], list[str]]] = {
    "nothing proves nothing": (BAD, {}, []),
    "status 200 is no fault": (BAD, {"http_code": 200}, []),
    "an unknown cURL error has no cause": (BAD, {"curl_error": 60}, []),
    "another event is no flood": (BAD, {"event": "Click"}, []),
    "a legal reply is no fault": (BAD, {"response_content": reply()}, []),
    "success is no fault": (BAD, {"response_content": "success"}, []),
    "an empty body is no fault of a message": (BAD, {"response_content": ""}, []),
    "a cut body is never malformed": (BAD, {"response_content": reply()[:150] + "..."}, []),
    "a cut start is never malformed": (BAD, {"response_content": "<xml>\n<ToUser..."}, []),
    "a body a web page damaged is never malformed": (
        PAID,
        {"resp": payment("SUCCESS").replace("[OK]", "")},
        [],
    ),
    "a payment that is accepted": (PAID, {"resp": payment("SUCCESS")}, []),
    "success with more is no bare success": (BAD, {"response_content": reply(content="success!")}, []),
    "a status": (BAD, {"http_code": 999}, ["http_status"]),
    "cURL 7": (BAD, {"curl_error": 7}, ["curl_connect"]),
    "cURL 52": (BAD, {"curl_error": 52}, ["curl_empty_reply"]),
    "cURL 56": (BAD, {"curl_error": 56}, ["curl_receive"]),
    "decryption": (BAD, {"decrypt_fail": True}, ["decrypt_fail"]),
    "quotes": (BAD, {"response_content": '"success"'}, ["quoted_reply"]),
    "quotes around XML": (PAID, {"resp": f'"{payment("SUCCESS")}"'}, ["quoted_reply"]),
    "an echo": (BAD, {"response_content": reply(ACCOUNT, FAN)}, ["echoed_push"]),
    "an echo that was cut": (BAD, {"response_content": reply(ACCOUNT, FAN)[:150] + "..."}, ["echoed_push"]),
    "an echo in wide brackets": (
        BAD,
        {"response_content": reply(ACCOUNT, FAN).translate(str.maketrans("[]", "［］"))},
        ["echoed_push"],
    ),
    "a missing bracket": (
        BAD,
        {"response_content": reply().replace("</Content>", "</Content")},
        ["malformed_xml"],
    ),
    "milliseconds": (BAD, {"response_content": reply(time="1557121759000")}, ["millisecond_create_time"]),
    "empty content": (BAD, {"response_content": reply(content="")}, ["empty_content"]),
    "success in XML": (BAD, {"response_content": reply(content="success")}, ["success_in_xml"]),
    "a page": (BAD, {"response_content": "<!DOCTYPE html>\n<html>..."}, ["html_page"]),
    "an error": (BAD, {"response_content": "Error 500:"}, ["error_text"]),
    "JSON": (AlertedPush.TICKET, {"response_content": '{"code":0}'}, ["json_reply"]),
    "JSON in a list": (BAD, {"response_content": "[]"}, ["json_reply"]),
    "an empty ticket reply": (AlertedPush.TICKET, {"response_content": ""}, ["empty_reply"]),
    "an empty component reply": (AlertedPush.COMPONENT, {"response_content": ""}, ["empty_reply"]),
    "a transaction makes a payment": (BAD, {"transaction_id": "4200", "resp": ""}, ["empty_reply"]),
    "an empty payment reply": (PAID, {"resp": ""}, ["empty_reply"]),
    "a refused payment": (PAID, {"resp": payment("FAIL")}, ["payment_refused"]),
    "a refused payment that a web page damaged": (
        PAID,
        {"resp": payment("FAIL").replace("[OK]", "")},
        ["payment_refused"],
    ),
    "receipts": (BAD, {"event": "Template Send Job Finish"}, ["receipt_flood"]),
    "receipts, pasted": (BAD, {"event": "TemplateSendJobFinish"}, ["receipt_flood"]),
    "a provider": (BAD, {"platform": "灯塔"}, ["provider_side"]),
    "a provider without a name": (BAD, {"platform": ""}, ["provider_side"]),
    "all that is there, most telling first": (
        BAD,
        {"http_code": 502, "event": "Template Send Job Finish", "platform": ""},
        ["http_status", "receipt_flood", "provider_side"],
    ),
}


@pytest.mark.parametrize(("about", "values", "causes"), PROVES.values(), ids=PROVES)
def test_sample_proves_its_causes(about: AlertedPush, values: dict[str, Any], causes: list[str]) -> None:
    found = find_causes(Sample(**values), about)
    assert [cause.id for cause in found] == causes
    for cause in found:
        shown = str(values[cause.field]) if cause.field != "decrypt_fail" else "decrypt fail"
        assert shown[slice(*cause.span)] == cause.evidence


def test_the_listed_causes_are_those_that_are_found() -> None:
    assert {id_ for _, _, causes in PROVES.values() for id_ in causes} == CAUSES


BODY = st.text() | st.builds(lambda body, end: reply()[:body] + end, st.integers(0, 260), st.text(max_size=5))


@given(BODY, st.sampled_from(AlertedPush))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_evidence_is_part_of_the_body(body: str, about: AlertedPush) -> None:
    for cause in find_causes(Sample(response_content=body), about):
        assert body[slice(*cause.span)] == cause.evidence


def test_a_cut_body_is_said_to_have_its_declared_number_of_bytes() -> None:
    sample = Sample(response_content="<!DOCTYPE html>\n<html>...", response_length=3365)
    (cause,) = find_causes(sample)
    assert cause.meaning.startswith("回应是 HTML，共 3365 字节")
