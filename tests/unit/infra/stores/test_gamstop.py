"""The register of exclusions, asked over HTTP: what it says, and that nothing else lets anybody in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from aiohttp import web

from compliance.ports import RegisterWord
from infra.processes.site import serving
from infra.stores.gamstop import Gamstop
from kernel.errors import Unavailable
from simulation.parties.exclusion_register import RegisterPlan, SimulatedRegister
from tests.free_ports import free_port
from tests.unit.compliance.test_jurisdictions import resident

KEY = "the key"
SURE = RegisterPlan(seed=7, excluded_share=0, lapsed_share=0, silent_share=0, silence_s=1.0)
PERSON = resident("GB")


@asynccontextmanager
async def asking(
    *routes: web.RouteDef, path: str = "/v2", api_key: str = KEY, timeout_ms: int = 300
) -> AsyncIterator[Gamstop]:
    app, port = web.Application(), free_port()
    app.add_routes(routes)
    async with serving(app, host="127.0.0.1", port=port):
        gamstop = Gamstop(f"http://127.0.0.1:{port}{path}", api_key=api_key, timeout_ms=timeout_ms, connections_max=4)
        try:
            yield gamstop
        finally:
            await gamstop.close()


@pytest.mark.parametrize(
    ("surname", "word"),
    [
        ("Excluded", RegisterWord.EXCLUDED),
        ("LAPSED", RegisterWord.LAPSED),
        ("Free", RegisterWord.NOT_EXCLUDED),
        ("Example", RegisterWord.NOT_EXCLUDED),
    ],
)
async def test_what_the_register_says_is_in_its_book_under_our_name_of_the_inquiry(
    surname: str, word: RegisterWord
) -> None:
    register, inquiry_id = SimulatedRegister(SURE, api_key=KEY), uuid4()
    async with asking(*register.routes()) as gamstop:
        answer = await gamstop.ask(replace(PERSON, family_name=surname), inquiry_id=inquiry_id)
    assert answer.word is word
    assert [(entry.inquiry_id, entry.word, entry.answer_id) for entry in register.book] == [
        (str(inquiry_id), word.value, answer.answer_id)
    ]


async def test_silence_a_wrong_key_and_a_register_that_is_away_are_no_answers_and_tell_nothing_of_the_person() -> None:
    register = SimulatedRegister(SURE, api_key=KEY)
    async with asking(*register.routes()) as gamstop:
        with pytest.raises(Unavailable) as silent:
            await gamstop.ask(replace(PERSON, family_name="Silent"), inquiry_id=uuid4())
    async with asking(*register.routes(), api_key="another") as gamstop:
        with pytest.raises(Unavailable) as wrong:
            await gamstop.ask(PERSON, inquiry_id=uuid4())
    nobody = Gamstop(f"http://127.0.0.1:{free_port()}/v2", api_key=KEY, timeout_ms=300, connections_max=4)
    with pytest.raises(Unavailable) as away:
        await nobody.ask(PERSON, inquiry_id=uuid4())
    await nobody.close()
    for refused in (silent, wrong, away):
        assert refused.value.reason == "EXCLUSION_REGISTER_UNAVAILABLE"
        assert "try again" in refused.value.message
        assert "Silent" not in repr(refused.value)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Exclusion": "N"}, 200),
        ({"X-Exclusion": "n", "X-Unique-Id": "1"}, 200),
        ({"X-Exclusion": "", "X-Unique-Id": "1"}, 200),
        ({"X-Exclusion": "N", "X-Unique-Id": "1"}, 500),
        ({"X-Exclusion": "N", "X-Unique-Id": "1"}, 302),
        ({"X-Exclusion": "N", "X-Unique-Id": "1" * 201}, 200),
    ],
)
async def test_what_is_no_whole_answer_is_none(headers: dict[str, str], status: int) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(headers=headers, status=status)

    async with asking(web.post("/v2", answer)) as gamstop:
        with pytest.raises(Unavailable):
            await gamstop.ask(PERSON, inquiry_id=uuid4())


def test_the_seed_decides_about_others_the_same_for_the_same_person() -> None:
    register = SimulatedRegister(replace(SURE, excluded_share=3_000, lapsed_share=3_000), api_key=KEY)
    told = [["ann", f"surname {number}", "1990-05-17", "ann@example.org", "ab1 2cd"] for number in range(1_000)]
    words = [register._word_about(each) for each in told]
    assert words == [register._word_about(each) for each in told]
    assert 250 < words.count("Y") < 350
    assert 250 < words.count("P") < 350
