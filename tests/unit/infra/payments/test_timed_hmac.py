"""Signatures with a time stamp: whose are taken, and how old."""

from __future__ import annotations

import pytest

from gateway.http.raw import RawRequest, SignatureWrong
from infra.payments.timed_hmac import AGE_S_MAX, TimedHmac, sign
from tests.fakes.fake_clock import FakeClock

BODY = b'{"id":"evt_1","type":"payment"}'
TIME_S = 1_767_225_600
KEY = "whsec_test_0001"
KNOWN = "2565f8ede481ec80bb18d6463e161413a459eea3c022251fd94df92739f3fc99"


def request(signature: str, body: bytes = BODY) -> RawRequest:
    return RawRequest("/callbacks/cards", "", {"signature": signature}, body)


def verifier(*, late_s: int = 0, keys: tuple[str, ...] = (KEY,)) -> TimedHmac:
    return TimedHmac(keys, clock=FakeClock((TIME_S + late_s) * 1_000_000))


def test_a_known_signature_comes_out() -> None:
    assert sign(KEY, BODY, time_s=TIME_S) == KNOWN


@pytest.mark.parametrize("late_s", [-AGE_S_MAX, 0, AGE_S_MAX])
def test_a_right_signature_is_taken_within_five_minutes(late_s: int) -> None:
    verifier(late_s=late_s).expect(request(f"t={TIME_S},v1={KNOWN}"))


@pytest.mark.parametrize("late_s", [-AGE_S_MAX - 1, AGE_S_MAX + 1])
def test_an_old_one_is_not(late_s: int) -> None:
    with pytest.raises(SignatureWrong, match="s old"):
        verifier(late_s=late_s).expect(request(f"t={TIME_S},v1={KNOWN}"))


def test_while_a_key_is_changed_both_are_taken() -> None:
    verifier(keys=("the next one", KEY)).expect(request(f"t={TIME_S},v1={KNOWN}"))


@pytest.mark.parametrize(
    "wrong",
    [
        request(""),
        request(KNOWN),
        request(f"t={TIME_S},v1={KNOWN[:-1]}0"),
        request(f"t={TIME_S + 1},v1={KNOWN}"),
        request(f"t={TIME_S},v1={KNOWN}", BODY + b" "),
        request(f"t={TIME_S},v1={KNOWN},v1={KNOWN}"),
    ],
)
def test_whatever_else_is_said_is_refused(wrong: RawRequest) -> None:
    with pytest.raises(SignatureWrong):
        verifier().expect(wrong)
