"""Deposits between PostgreSQL and the simulated card provider over HTTP: its book and ours agree, come what may."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from gateway.http.app import make_app
from infra.audit import check_ledger
from infra.payments.callbacks import BODY_BYTES_MAX, callback_route
from infra.payments.card_provider import NAME, CardProvider
from infra.payments.timed_hmac import TimedHmac
from infra.payments.worker import PaymentWorker
from infra.processes.asgi_site import serving_asgi
from infra.processes.site import serving
from infra.settings import Doors, Settings
from kernel.clock import SystemClock
from kernel.money import CurrencyMismatch, Money
from pam.player import Player, PlayerBlocked, PlayerStatus
from payments.deposit import ASK_AFTER_US, EXPIRES_AFTER_US, AttemptState, advance
from payments.depositing import Deposits
from payments.ports import Notification
from payments.provider import Method, Outcome, PayIn, Told
from payments.routing import Router, RoutingPolicy, Terms
from simulation.parties.card_provider import CardProviderPlan, playing_card_provider
from simulation.parties.payment_faults import COURSES
from tests.builders.deposits import build_asked, build_route
from tests.currencies import RATES
from tests.fakes.fake_betting import permits
from tests.free_ports import free_port
from tests.ledger_world import LedgerWorld, open_world, scratch_database

API_KEY, WEBHOOK_KEY = "the key of the house", "the key of the provider"
ANSWER_TIMEOUT_S = 1.0
LIMIT_S = 60.0
HOST = "127.0.0.1"
POLICY = RoutingPolicy(
    day=date(2026, 1, 1),
    providers={NAME: Terms(methods=frozenset({Method.CARD}), deposit_minor_min=1, deposit_minor_max=100_000)},
    preferred={},
)


class DyingProvider(CardProvider):
    """Its process is killed after the provider has done what it was asked for, and before that is known."""

    async def pay_in(self, order: PayIn) -> Told:
        await super().pay_in(order)
        raise asyncio.CancelledError


@dataclass(frozen=True)
class Cashier:
    """Our side, the provider's, and ways to ask both."""

    world: LedgerWorld
    deposits: Deposits
    worker: PaymentWorker
    session: aiohttp.ClientSession
    api_url: str
    callback_url: str

    async def pay(self, player: Player, minor: int, *, instrument: str = "tok_ok") -> UUID:
        deposit = await self.deposits.ask(player, build_asked(player, minor, instrument=instrument))
        return deposit.deposit_id

    async def state(self, player: Player, deposit_id: UUID) -> AttemptState:
        return (await self.deposits.find(player.player_id, deposit_id)).state

    async def book(self) -> list[dict[str, Any]]:
        headers = {"authorization": f"Bearer {API_KEY}"}
        async with self.session.get(f"{self.api_url}/v1/book", headers=headers) as answer:
            told: dict[str, Any] = await answer.json()
        return list(told["payments"])

    async def tell(self, body: bytes, *, key: str = WEBHOOK_KEY) -> int:
        now_s = int(time.time())
        digest = hmac.new(key.encode(), f"{now_s}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"signature": f"t={now_s},v1={digest}"}
        async with self.session.post(self.callback_url, data=body, headers=headers) as answer:
            return answer.status

    async def expect_books_agree(self) -> None:
        """Compare what the provider took with what we credited, and have the ledger audited."""
        took = Counter({p["payment_id"]: p["amount"]["value"] for p in await self.book() if p["status"] == "captured"})
        rows = await self.world.fetch("""
            SELECT a.provider_reference, t.amount_minor FROM ledger.transfer t
            JOIN payments.attempt a ON t.key = format('%s/%s/credit', a.provider, a.provider_reference)
            WHERE t.provider = 'payments'
        """)
        assert Counter({row["provider_reference"]: row["amount_minor"] for row in rows}) == took
        async with self.world.pool.connection() as connection:
            findings = await check_ledger(connection)
        assert {finding.name: finding.violations for finding in findings if finding.violations} == {}


@asynccontextmanager
async def open_cashier(
    world: LedgerWorld, book: Path, *, provider_class: type[CardProvider] = CardProvider
) -> AsyncIterator[Cashier]:
    api_port, door_port, clock = free_port(), free_port(), SystemClock()
    plan = CardProviderPlan(
        api_key=API_KEY,
        webhook_key=WEBHOOK_KEY,
        callback_url=f"http://{HOST}:{door_port}/callbacks/{NAME}",
        book_path=book,
        seed=7,
    )
    async with AsyncExitStack() as stack:
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        api = await stack.enter_async_context(playing_card_provider(plan, clock))
        await stack.enter_async_context(serving(api, host=HOST, port=api_port))
        deposits = Deposits(
            providers={NAME: provider_class(session, url=f"http://{HOST}:{api_port}", api_key=API_KEY)},
            permits=permits(),
            router=Router(POLICY, jurisdiction="somewhere", connected=(NAME,), rates=RATES),
            store=world.deposits,
            clock=clock,
        )
        worker = PaymentWorker(deposits, store=world.deposits, inbox=world.inbox)
        signature = TimedHmac([WEBHOOK_KEY], clock=clock)
        app = make_app([callback_route(NAME, signature=signature, inbox=world.inbox, wake=worker.wake)])
        await stack.enter_async_context(serving_asgi(app, host=HOST, port=door_port, settings=Doors()))
        yield Cashier(world, deposits, worker, session, f"http://{HOST}:{api_port}", plan.callback_url)


@asynccontextmanager
async def working(*cashiers: Cashier) -> AsyncIterator[None]:
    """Let the workers of processes work while this is entered, and be killed then."""
    works = [work() for cashier in cashiers for work in (cashier.worker.read_inbox, cashier.worker.ask_again)]
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [error for error in ended if not isinstance(error, asyncio.CancelledError)] == []


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[LedgerWorld]:
    async with scratch_database(settings) as scratch, open_world(scratch) as opened:
        yield opened


async def eventually(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not await is_so():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.05)


async def test_every_course_of_a_payment_ends_as_in_the_providers_book(world: LedgerWorld, tmp_path: Path) -> None:
    player = await world.open_player(cash_minor=0)
    async with open_cashier(world, tmp_path / "book") as cashier:
        names = [name for name in COURSES for _ in range(2)]
        async with working(cashier, cashier):
            made = await asyncio.gather(*(cashier.pay(player, 700, instrument=f"tok_{name}") for name in names))
            failed = {"declined", "lost"}
            for name, deposit_id in zip(names, made, strict=True):
                if name not in failed:

                    async def is_credited(deposit_id: UUID = deposit_id) -> bool:
                        return await cashier.state(player, deposit_id) is AttemptState.CREDITED

                    await eventually(is_credited)
        states = Counter([await cashier.state(player, deposit_id) for deposit_id in made])
        assert states == {
            AttemptState.CREDITED: 2 * (len(COURSES) - 2),
            AttemptState.DECLINED: 2,
            AttemptState.UNKNOWN: 2,
        }
        assert await world.cash_minor(player) == 700 * 2 * (len(COURSES) - 2)
        await cashier.expect_books_agree()


async def test_a_request_asked_five_times_at_once_is_one_payment(world: LedgerWorld, tmp_path: Path) -> None:
    player = await world.open_player(cash_minor=0)
    asked = build_asked(player, 700)
    async with open_cashier(world, tmp_path / "book") as cashier:
        made = await asyncio.gather(*(cashier.deposits.ask(player, asked) for _ in range(5)))
        assert len({deposit.deposit_id for deposit in made}) == 1
        assert [payment["status"] for payment in await cashier.book()] == ["captured"]
        await cashier.expect_books_agree()
    assert await world.cash_minor(player) == 700


async def test_a_process_killed_before_it_asks_asks_about_it_later_and_the_attempt_expires(
    world: LedgerWorld, tmp_path: Path
) -> None:
    player = await world.open_player(cash_minor=0)
    asked = build_asked(player, 700)
    begun = await world.deposits.begin(asked, build_route(asked, NAME))
    deposit_id = begun.deposit.deposit_id
    async with open_cashier(world, tmp_path / "book") as cashier, working(cashier):

        async def is_at(state: AttemptState) -> bool:
            return await cashier.state(player, deposit_id) is state

        await eventually(lambda: is_at(AttemptState.UNKNOWN))
        back_us = EXPIRES_AFTER_US + ASK_AFTER_US[-1]
        await world.fetch("UPDATE payments.attempt SET begun_time_us = begun_time_us - $1, ask_time_us = 0", back_us)
        await eventually(lambda: is_at(AttemptState.EXPIRED))
        assert await cashier.book() == []


async def test_a_process_killed_between_the_payment_and_its_answer_loses_and_doubles_nothing(
    world: LedgerWorld, tmp_path: Path
) -> None:
    player = await world.open_player(cash_minor=0)
    async with open_cashier(world, tmp_path / "book", provider_class=DyingProvider) as cashier:
        asked = build_asked(player, 700)
        with pytest.raises(asyncio.CancelledError):
            await cashier.deposits.ask(player, asked)
        # The notification is kept, and nobody works on it: that process is dead as well.
        await eventually(lambda: _has_rows(world, "payments.inbox"))
        assert await world.cash_minor(player) == 0
        async with working(cashier):
            await eventually(lambda: _has_cash(world, player, 700))
        assert (await cashier.deposits.ask(player, asked)).state is AttemptState.CREDITED
        await cashier.expect_books_agree()


async def test_only_what_is_signed_as_it_came_is_kept_and_what_fits_nothing_is_for_a_person(
    world: LedgerWorld, tmp_path: Path
) -> None:
    unknown = f'{{"type":"payment.captured","payment_id":"p","reference":"{uuid4()}"'.encode()
    async with open_cashier(world, tmp_path / "book") as cashier:
        assert await cashier.tell(b"{}", key="another key") == 401
        async with cashier.session.post(cashier.callback_url, data=b"{}") as answer:
            assert answer.status == 401
        assert await cashier.tell(b"x" * (BODY_BYTES_MAX + 1)) == 413
        assert not await _has_rows(world, "payments.inbox")
        told = [unknown + b',"amount":{"value":1,"currency":"EUR"}}', b"not json"]
        assert [await cashier.tell(body) for body in told + told] == [200] * 4
        async with working(cashier):
            await eventually(lambda: _is_empty(world, "payments.inbox WHERE closed_time_us IS NULL"))
    rows = await world.fetch("SELECT complaint FROM payments.inbox ORDER BY message_id")
    assert [row["complaint"].partition(":")[0] for row in rows] == ["NOTIFICATION_MISMATCHED", "NOTIFICATION_MALFORMED"]


async def test_words_in_any_order_from_two_workers_credit_once(world: LedgerWorld, tmp_path: Path) -> None:
    player = await world.open_player(cash_minor=0)
    words = ("pending", "captured", "declined")
    async with open_cashier(world, tmp_path / "book") as cashier:
        for order in permutations(words):
            asked = build_asked(player, 700)
            (attempt,) = (await world.deposits.begin(asked, build_route(asked, NAME))).deposit.attempts
            bodies = [
                f'{{"type":"payment.{word}","payment_id":"pay-{attempt.reference}","reference":"{attempt.reference}",'
                f'"amount":{{"value":700,"currency":"EUR"}}}}'.encode()
                for word in order
            ]

            async def work(bodies: list[bytes] = bodies) -> None:
                for number, body in enumerate(bodies):
                    await cashier.deposits.read(Notification(number, NAME, body))

            await asyncio.gather(work(), work())
            standing = await world.deposits.find_attempt(attempt.reference)
            assert standing is not None
            assert standing.state is AttemptState.CREDITED
    assert await world.cash_minor(player) == 700 * 6


async def test_the_ledger_refuses_who_may_not_pay_in_and_stores_nothing(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=0)
    asked = build_asked(player, 700)
    wrong = replace(asked, amount=Money(700, "SEK"))
    with pytest.raises(CurrencyMismatch):
        await world.deposits.begin(wrong, build_route(wrong, NAME))
    await world.players.set_status(player.username, PlayerStatus.BLOCKED)
    with pytest.raises(PlayerBlocked):
        await world.deposits.begin(asked, build_route(asked, NAME))
    assert not await _has_rows(world, "payments.deposit")
    await world.players.set_status(player.username, PlayerStatus.ACTIVE)
    assert (await world.deposits.begin(asked, build_route(asked, NAME))).is_new


async def test_money_that_came_for_who_is_blocked_by_then_is_theirs(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=0)
    asked = build_asked(player, 700)
    (attempt,) = (await world.deposits.begin(asked, build_route(asked, NAME))).deposit.attempts
    await world.players.set_status(player.username, PlayerStatus.BLOCKED)
    told = Told(attempt.reference, Outcome.CAPTURED, "pay_1", asked.amount)
    assert await world.deposits.move(attempt, advance(attempt.state, told.outcome, age_us=0), told)
    assert not await world.deposits.move(attempt, AttemptState.CREDITED, told)
    assert await world.cash_minor(player) == 700


async def test_each_provider_has_a_clearing_account_of_its_own(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=0)
    for number, name in enumerate((NAME, NAME, "another")):
        asked = build_asked(player, 100)
        (attempt,) = (await world.deposits.begin(asked, build_route(asked, name))).deposit.attempts
        told = Told(attempt.reference, Outcome.CAPTURED, f"pay_{number}", asked.amount)
        assert await world.deposits.move(attempt, AttemptState.CREDITED, told)
    rows = await world.fetch("""
        SELECT a.party, sum(t.amount_minor)::bigint AS minor FROM ledger.account a
        JOIN ledger.transfer t ON t.debit_account_id = a.account_id WHERE a.kind = 'psp_clearing' GROUP BY a.party
    """)
    assert {row["party"]: row["minor"] for row in rows} == {NAME: 200, "another": 100}


async def _has_rows(world: LedgerWorld, table: str) -> bool:
    return bool((await world.fetch(f"SELECT EXISTS (SELECT FROM {table})"))[0][0])


async def _is_empty(world: LedgerWorld, table: str) -> bool:
    return not await _has_rows(world, table)


async def _has_cash(world: LedgerWorld, player: Player, minor: int) -> bool:
    return await world.cash_minor(player) == minor
