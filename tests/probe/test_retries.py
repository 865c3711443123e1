"""The probe pushes one message three times, and tells what is wrong with retries from what is wrong anyway."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.probing import QUICK, SHORT, found, look
from tests.support.sick_peer import ACCOUNTS, PLAIN, Raw, healthy
from triage.channels.xml import read_fields
from triage.message import Request, Response
from triage.probe import CheckState, ProbePlan


@pytest.mark.parametrize("mode", ["plain", "safe"])
def test_different_answers_to_a_retry_are_named(mode: str) -> None:
    numbers = itertools.count()
    report = look(
        healthy(ACCOUNTS[mode], lambda came: str(next(numbers))),
        ProbePlan(ACCOUNTS[mode], mode, ("text",), count=0),
    )
    assert found(report) == {("time", "retry", "retry_differs")}


def retrying(then: Callable[[int], Response | Raw | None]) -> Callable[[Request], Response | Raw]:
    """Healthy, but for what it answers to a text by how often this text has come; None is the healthy answer."""
    well, came = healthy(PLAIN), Counter[str]()

    def answer(request: Request) -> Response | Raw:
        number = read_fields(request.body.decode()).get("MsgId", "") if request.method == "POST" else ""
        came[number] += 1
        return (then(came[number]) if number else None) or well(request)

    return answer


@pytest.mark.parametrize(
    "then",
    [
        lambda times: Raw(hold=True) if times == 3 else None,
        lambda times: Raw() if times > 1 else None,
        lambda times: Response(500, b"Duplicate entry") if times > 1 else None,
    ],
    ids=["a third is never answered", "a retry gets no byte", "a retry fails"],
)
def test_a_retry_that_fails_while_the_first_is_answered_is_named(
    then: Callable[[int], Response | Raw | None],
) -> None:
    report = look(retrying(then), replace(QUICK, quick=False, limits=SHORT))
    assert found(report) == {("time", "retry", "retry_differs")}


def test_a_callback_that_fails_now_and_then_is_not_blamed_for_its_retries() -> None:
    well, number = healthy(PLAIN), itertools.count(1)

    def answer(request: Request) -> Response | Raw:
        return well(request) if request.method == "GET" or next(number) % 2 else Response(500, b"oops")

    report = look(answer, replace(QUICK, pushes=("text", "text"), quick=False))
    assert "retry_differs" not in {id_ for _, _, id_ in found(report)}
    (retry,) = (check for check in report.checks if check.id == "retry")
    assert retry.state is CheckState.UNKNOWN
