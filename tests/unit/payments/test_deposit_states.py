"""Where an attempt stands after each word of its provider."""

from __future__ import annotations

import pytest

from payments.deposit import EXPIRES_AFTER_US, AttemptState, advance
from payments.provider import Outcome


@pytest.mark.parametrize(
    ("state", "outcome", "expected"),
    [
        (AttemptState.SUBMITTED, Outcome.NO_ANSWER, AttemptState.UNKNOWN),
        (AttemptState.SUBMITTED, Outcome.CAPTURED, AttemptState.CREDITED),
        (AttemptState.SUBMITTED, Outcome.DECLINED, AttemptState.DECLINED),
        (AttemptState.UNKNOWN, Outcome.CAPTURED, AttemptState.CREDITED),
        # A provider that told of it once knows of it, whatever a later call is not answered.
        (AttemptState.PENDING, Outcome.NO_ANSWER, AttemptState.PENDING),
        (AttemptState.AUTHORISED, Outcome.PENDING, AttemptState.AUTHORISED),
        # Money that came in is the player's, also after a failure was told; and stays theirs.
        (AttemptState.DECLINED, Outcome.CAPTURED, AttemptState.CREDITED),
        (AttemptState.EXPIRED, Outcome.CAPTURED, AttemptState.CREDITED),
        (AttemptState.CREDITED, Outcome.DECLINED, AttemptState.CREDITED),
        (AttemptState.DECLINED, Outcome.PENDING, AttemptState.DECLINED),
    ],
)
def test_an_attempt_goes_on_and_never_back(state: AttemptState, outcome: Outcome, expected: AttemptState) -> None:
    assert advance(state, outcome, age_us=0) is expected


def test_what_a_provider_does_not_know_expires_after_half_an_hour_and_not_before() -> None:
    known_later = advance(AttemptState.UNKNOWN, Outcome.NOT_FOUND, age_us=EXPIRES_AFTER_US)
    assert known_later is AttemptState.UNKNOWN
    assert advance(AttemptState.UNKNOWN, Outcome.NOT_FOUND, age_us=EXPIRES_AFTER_US + 1) is AttemptState.EXPIRED


def test_a_time_out_never_becomes_a_failure_by_itself() -> None:
    assert advance(AttemptState.SUBMITTED, Outcome.NO_ANSWER, age_us=10 * EXPIRES_AFTER_US).is_open


def test_an_attempt_is_open_failed_or_credited() -> None:
    assert [state.name for state in AttemptState if state.is_open] == ["SUBMITTED", "UNKNOWN", "PENDING", "AUTHORISED"]
    assert [state.name for state in AttemptState if state.is_failed] == ["EXPIRED", "CANCELLED", "DECLINED"]
