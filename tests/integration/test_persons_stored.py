"""Who registers with what they tell of themselves, and what the register said: real database, real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast
from uuid import uuid4

import pytest
from aiohttp import web

from compliance.admission import Admission, ExcludedByRegister
from infra.house import read_permits
from infra.processes.site import serving
from infra.settings import HOUSE_DIR, Settings
from infra.stores.gamstop import Gamstop
from infra.stores.postgres_persons import PostgresPersons
from kernel.clock import SystemClock
from kernel.commands import RequestIdReused
from kernel.errors import Unavailable
from pam.person import Consent, MarketingChannel, MarketingProduct, Person
from pam.player import PlayerRole
from pam.ports import LogInAttempts, PasswordDoor, SessionStore
from pam.registration import Application, Registration
from simulation.parties.exclusion_register import RegisterPlan, SimulatedRegister
from tests.currencies import RATES
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_gateway import FakeAttempts, FakeSessions
from tests.free_ports import free_port
from tests.ledger_world import HASH, LedgerWorld, open_world
from tests.unit.compliance.test_jurisdictions import resident

KEY = "the key"
PASSWORD = "correct horse battery"


class PlainPasswords:
    """Hashes nothing: what it is told is right."""

    async def hash(self, password: str, *, door: PasswordDoor) -> str:
        return HASH

    async def verify(self, password: str, password_hash: str | None, *, door: PasswordDoor) -> bool:
        return password_hash == HASH


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[LedgerWorld]:
    async with open_world(settings) as opened:
        yield opened


@asynccontextmanager
async def admitting(world: LedgerWorld) -> AsyncIterator[tuple[Admission, SimulatedRegister]]:
    """An admission that asks a register over HTTP."""
    plan = RegisterPlan(seed=7, excluded_share=0, lapsed_share=0, silent_share=0, silence_s=0.4)
    register, app, port = SimulatedRegister(plan, api_key=KEY), web.Application(), free_port()
    app.add_routes(register.routes())
    registration = Registration(
        players=world.players,
        passwords=PlainPasswords(),
        sessions=cast("SessionStore", FakeSessions(FakeClock())),
        attempts=cast("LogInAttempts", FakeAttempts()),
        rates=RATES,
    )
    gamstop = Gamstop(f"http://127.0.0.1:{port}/v2", api_key=KEY, timeout_ms=200, connections_max=4)
    async with serving(app, host="127.0.0.1", port=port):
        yield (
            Admission(
                permits=read_permits(HOUSE_DIR, home="default", clock=SystemClock()),
                registration=registration,
                registers={"gamstop": gamstop},
                persons=PostgresPersons(world.pool),
                new_id=uuid4,
            ),
            register,
        )
        await gamstop.close()


def application(person: Person | None) -> Application:
    return Application(uuid4(), f"player-{uuid4().hex[:16]}", PASSWORD, "EUR", person)


async def test_what_was_told_is_kept_apart_and_nothing_else_has_it(world: LedgerWorld) -> None:
    consents = frozenset({Consent(MarketingProduct.SPORTS, MarketingChannel.EMAIL)})
    person, name = replace(resident("MT"), consents=consents), f"player-{uuid4().hex[:16]}"
    request_id = uuid4()

    async def register(told: Person) -> None:
        await world.players.register(
            request_id=request_id,
            username=name,
            password_hash=HASH,
            role=PlayerRole.BETTOR,
            currency="EUR",
            jurisdiction="malta",
            person=told,
        )

    await register(person)
    await register(person)
    with pytest.raises(RequestIdReused):
        await register(replace(person, postcode="XY9 9ZZ"))
    stored = await world.players.find_by_username(name)
    assert stored is not None
    assert stored.player.jurisdiction == "malta"
    assert await PostgresPersons(world.pool).find_person(stored.player.player_id) == person
    rows = await world.fetch(
        """
        SELECT to_jsonb(p)::text AS told FROM pam.player p WHERE username = $1
        UNION ALL SELECT to_jsonb(c)::text FROM ledger.command c WHERE c.key = $2
        UNION ALL SELECT to_jsonb(o)::text FROM ledger.outbox o JOIN pam.player p ON p.player_id = o.subject
            WHERE p.username = $1
        """,
        name,
        str(request_id),
    )
    assert len(rows) >= 4
    for secret in (person.family_name, person.postcode, person.email, person.address_line, "1990-05-17"):
        assert all(secret not in row["told"] for row in rows)


async def test_who_told_nothing_has_nothing_kept(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=0)
    assert player.jurisdiction == "default"
    assert await PostgresPersons(world.pool).find_person(player.player_id) is None


async def test_every_answer_of_the_register_is_kept_and_equals_its_own_book(world: LedgerWorld) -> None:
    asked = {surname: application(replace(resident("GB"), family_name=surname)) for surname in ("Free", "Lapsed")}
    refused = {
        "Excluded": (application(replace(resident("GB"), family_name="Excluded")), ExcludedByRegister),
        "Silent": (application(replace(resident("GB"), family_name="Silent")), Unavailable),
    }
    async with admitting(world) as (admission, register):
        for each in asked.values():
            entered = await admission.register(each, address="10.0.0.1")
            assert entered.player.jurisdiction == "united-kingdom"
            await admission.log_in(each.username, PASSWORD, address="10.0.0.1")
        for each, refusal in refused.values():
            with pytest.raises(refusal):
                await admission.register(each, address="10.0.0.1")
            assert await world.players.find_by_username(each.username) is None
        request_ids = [each.request_id for each in [*asked.values(), *(each for each, _ in refused.values())]]
        kept = await world.fetch(
            """
            SELECT i.inquiry_id::text, i.word, i.answer_id, i.request_id, i.player_id FROM pam.register_inquiry i
            LEFT JOIN pam.player p USING (player_id)
            WHERE i.request_id = ANY ($1::uuid[]) OR p.username = ANY ($2::text[])
            """,
            request_ids,
            [each.username for each in asked.values()],
        )
        book = {(entry.inquiry_id, entry.word, entry.answer_id) for entry in register.book}
    answered = {tuple(row)[:3] for row in kept if row["word"] is not None}
    assert len(kept) == 6
    assert answered == {entry for entry in book if entry[0] in {each[0] for each in answered}}
    assert sorted(row["word"] or "-" for row in kept) == ["-", "N", "N", "P", "P", "Y"]
    assert sum(row["player_id"] is not None for row in kept) == 2
