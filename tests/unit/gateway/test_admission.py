"""Registering and logging in by the rules of where somebody lives, as a client meets it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from compliance.admission import ExcludedByRegister, PersonalDataRequired, UnderAge
from compliance.permit import CountryNotServed
from compliance.ports import RegisterWord
from kernel.errors import Unavailable
from overround.pam.v1 import player_service_pb2 as pb
from pam.person import Consent, MarketingChannel, MarketingProduct, PersonalDataMalformed
from tests.fakes.fake_gateway import PASSWORD, Door, call_by

SPORTS_BY_EMAIL = pb.Consent(product=pb.MARKETING_PRODUCT_SPORTS, channel=pb.MARKETING_CHANNEL_EMAIL)


def at_the_door() -> Door:
    door = Door()
    door.clock.time_us = int(datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()) * 1_000_000
    return door


def person(country: str = "GB", **changes: Any) -> pb.Person:
    fields: dict[str, Any] = {
        "given_name": "Ann",
        "family_name": "Example",
        "address": pb.Address(line="1 Some Street", postcode="AB1 2CD", country=country),
        "birth_date": "1990-05-17",
        "email": "ann@example.org",
        "consents": pb.Consents(
            given=[pb.Consent(product=pb.MARKETING_PRODUCT_SPORTS, channel=pb.MARKETING_CHANNEL_EMAIL)]
        ),
    }
    return pb.Person(**fields | changes)


def application(told: pb.Person | None, username: str = "ann_1") -> pb.RegisterRequest:
    return pb.RegisterRequest(
        request_id=str(uuid4()), username=username, password=PASSWORD, currency="EUR", person=told
    )


async def register(door: Door, request: pb.RegisterRequest) -> pb.RegisterResponse:
    return await door.players.register(request, call_by(None, token=None))


async def log_in(door: Door) -> pb.LogInResponse:
    return await door.players.log_in(pb.LogInRequest(username="ann_1", password=PASSWORD), call_by(None, token=None))


async def test_a_resident_plays_by_the_rules_of_where_they_live_and_what_they_told_is_kept_and_not_answered() -> None:
    door = at_the_door()
    response = await register(door, application(person()))
    assert response.player.jurisdiction == "united-kingdom"
    kept = door.stored_players.persons[UUID(response.player.player_id)]
    assert (kept.family_name, kept.postcode) == ("Example", "AB1 2CD")
    assert kept.consents == frozenset({Consent(MarketingProduct.SPORTS, MarketingChannel.EMAIL)})
    for secret in ("Example", "AB1 2CD", "1990", "ann@example.org", "Some Street"):
        assert secret not in str(response)
        assert secret not in repr(kept)
    assert (await log_in(door)).player == response.player


async def test_who_tells_nothing_plays_by_the_rules_of_the_house_and_no_register_is_asked() -> None:
    door = at_the_door()
    assert (await register(door, application(None))).player.jurisdiction == "default"
    await log_in(door)
    assert (await register(door, application(person("MT"), "mat_1"))).player.jurisdiction == "malta"
    assert door.register.asked == []


@pytest.mark.parametrize(
    ("told", "refusal"),
    [
        (person("US"), CountryNotServed),
        (person("uk"), PersonalDataMalformed),
        (person(birth_date="2008-12-01"), UnderAge),
        (person("MT", birth_date="2008-12-01"), UnderAge),
        (person(birth_date="2008-12-1"), PersonalDataMalformed),
        (person(birth_date="2026-12-01"), PersonalDataMalformed),
        (person(birth_date="1890-12-01"), PersonalDataMalformed),
        (person(birth_date="1990-02-30"), PersonalDataMalformed),
        (person(birth_date=""), PersonalDataRequired),
        (person(consents=None), PersonalDataRequired),
        (person(email="ann"), PersonalDataMalformed),
        (person(consents=pb.Consents(given=[SPORTS_BY_EMAIL] * 9)), PersonalDataMalformed),
        (person(given_name=" Ann"), PersonalDataMalformed),
        (person(given_name="A" * 101), PersonalDataMalformed),
        (person(consents=pb.Consents(given=[pb.Consent(product=pb.MARKETING_PRODUCT_SPORTS)])), PersonalDataMalformed),
    ],
)
async def test_who_may_not_register_is_refused_before_the_register_is_asked(
    told: pb.Person, refusal: type[Exception]
) -> None:
    door = at_the_door()
    with pytest.raises(refusal) as refused:
        await register(door, application(told))
    assert "Example" not in str(refused.value)
    assert (door.register.asked, door.stored_players.by_request, door.stored_players.inquiries) == ([], {}, [])


async def test_who_is_of_age_today_may_register() -> None:
    await register(at_the_door(), application(person(birth_date="2008-11-30")))


@pytest.mark.parametrize(
    ("word", "refusal"),
    [(RegisterWord.EXCLUDED, ExcludedByRegister), (None, Unavailable), (RegisterWord.LAPSED, None)],
)
async def test_the_register_is_asked_before_the_player_is_made_and_at_every_log_in(
    word: RegisterWord | None, refusal: type[Exception] | None
) -> None:
    door = at_the_door()
    door.register.word = word
    request = application(person())
    if refusal is None:
        await register(door, request)
    else:
        with pytest.raises(refusal):
            await register(door, request)
        assert door.stored_players.by_request == {}
    (inquiry,) = door.stored_players.inquiries
    assert (inquiry.register, str(inquiry.request_id), inquiry.player_id) == ("gamstop", request.request_id, None)
    assert (None if inquiry.answer is None else inquiry.answer.word) == word

    door.register.word = RegisterWord.NOT_EXCLUDED
    player_id = UUID((await register(door, request)).player.player_id)
    door.register.word = word
    opened = len(door.sessions.sessions)
    if refusal is None:
        await log_in(door)
    else:
        with pytest.raises(refusal):
            await log_in(door)
        assert len(door.sessions.sessions) == opened
    assert (door.stored_players.inquiries[-1].player_id, door.stored_players.inquiries[-1].request_id) == (
        player_id,
        None,
    )


async def test_a_register_that_is_not_connected_lets_nobody_in() -> None:
    door = at_the_door()
    door.registers = {}
    with pytest.raises(Unavailable):
        await register(door, application(person()))
    assert door.stored_players.by_request == {}
    assert [inquiry.answer for inquiry in door.stored_players.inquiries] == [None]
