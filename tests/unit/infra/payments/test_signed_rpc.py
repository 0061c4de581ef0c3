"""What is signed of a message between bank and house, and whose signature is taken."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.raw import RawRequest, SignatureWrong
from infra.payments.signed_rpc import DEPTH_MAX, RpcMalformed, SignedRpc, read_notification, text_of
from tests.payment_parties import rsa_key

DATA = {"orderid": "7", "Amount": "7.00", "attributes": {"z": 1, "a": None, "ä": [1, "b"]}, "code": None}
HOUSE = SignedRpc(rsa_key("house"), rsa_key("bank").public_key())
BANK = SignedRpc(rsa_key("bank"), rsa_key("house").public_key())


def message(data: dict[str, Any], *, signer: SignedRpc = BANK, method: str = "credit") -> dict[str, Any]:
    return {"method": method, "params": {"uuid": "u-1", "data": data, "signature": signer.sign("credit", "u-1", data)}}


def request(told: Any) -> RawRequest:
    return RawRequest("/callbacks/sim-bank", "", {}, orjson.dumps(told))


def test_the_text_has_keys_in_the_order_of_their_bytes_and_nothing_of_what_is_null() -> None:
    assert text_of("credit", "u-1", DATA).decode() == "creditu-1Amount7.00attributesz1ä1borderid7"


def test_data_that_are_nested_too_deep_are_signed_by_nobody() -> None:
    deep: Any = "x"
    for _ in range(DEPTH_MAX):
        deep = {"d": deep}
    with pytest.raises(RpcMalformed):
        text_of("credit", "u-1", deep)
    assert text_of("credit", "u-1", deep["d"])


def test_what_the_other_side_signed_is_taken() -> None:
    HOUSE.expect(request(message(DATA)))


@pytest.mark.parametrize(
    "wrong",
    [
        message(DATA, signer=HOUSE),
        message(DATA, method="cancel"),
        message(DATA) | {"params": message(DATA)["params"] | {"data": DATA | {"Amount": "8.00"}}},
        message(DATA) | {"params": message(DATA)["params"] | {"uuid": "u-2"}},
        message(DATA) | {"params": message(DATA)["params"] | {"signature": base64.b64encode(b"x").decode()}},
        message(DATA) | {"params": message(DATA)["params"] | {"signature": "?"}},
        {"method": "credit"},
        [],
        None,
    ],
)
def test_whatever_else_is_sent_is_refused(wrong: Any) -> None:
    with pytest.raises(SignatureWrong):
        HOUSE.expect(request(wrong))


@given(st.binary(max_size=100) | st.recursive(st.none() | st.text(), st.lists).map(orjson.dumps))
def test_nothing_else_is_raised_whatever_is_sent(body: bytes) -> None:
    with pytest.raises(RpcMalformed):
        read_notification(body)
