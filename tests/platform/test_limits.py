"""The platform's numbers, as the official pages and real alerts give them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from triage.platform import limits


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        pytest.param(limits.ANSWER_DEADLINE, timedelta(seconds=5), id="an answer is due within 5 s (R2)"),
        pytest.param(limits.DELIVERY_TRIES, 3, id="a push is sent three times in all (P.8)"),
        pytest.param(limits.ALERT_THRESHOLD, 30, id="30 failures raise an alert (P.2)"),
        pytest.param(
            limits.ALERT_WINDOW, timedelta(minutes=5), id="failures are counted for 5 minutes (P.2)"
        ),
        pytest.param(limits.MARK_FAIL_SILENCE, timedelta(minutes=1), id="MarkFail lasts a minute (P.7)"),
        pytest.param(limits.TICKET_INTERVAL, timedelta(minutes=10), id="a ticket every 10 minutes (P.9)"),
        pytest.param(
            limits.TICKET_ALERT_WINDOW, timedelta(minutes=30), id="ticket alerts span 30 minutes (P.3)"
        ),
        pytest.param(limits.MAX_CONTENT_BYTES, 2048, id="a text reply holds 2048 bytes (R12)"),
        pytest.param(limits.MAX_ARTICLES, 8, id="a reply holds eight articles (R13)"),
        pytest.param(limits.MAX_ARTICLES_TO_MESSAGE, 1, id="a reply to a message holds one article (R13)"),
    ],
)
def test_the_platforms_numbers_are_those_of_its_pages(limit: object, value: object) -> None:
    assert limit == value
