"""Deposits between PostgreSQL and the simulated card provider over HTTP: its book and ours agree, come what may."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import permutations
from pathlib import Path
from uuid import UUID, uuid4

import aiohttp
import pytest
from rich.console import Console

from gateway.http.app import make_app
from infra.audit import check_ledger
from infra.payment_findings import read_again, show_findings
from infra.payments import bank_provider, card_provider
from infra.payments.callbacks import BODY_BYTES_MAX, callback_route
from infra.payments.worker import PaymentWorker
from infra.processes.asgi_site import serving_asgi
from infra.settings import Doors, Settings
from kernel.clock import SystemClock
from kernel.money import CurrencyMismatch, Money
from pam.player import Player, PlayerBlocked, PlayerStatus
from payments.deposit import ASK_AFTER_US, EXPIRES_AFTER_US, AttemptState, DepositAsked, advance
from payments.depositing import Deposits
from payments.health import Health
from payments.ports import Notification
from payments.provider import Method, Outcome, PayIn, PaymentProvider, Told
from payments.routing import Router, RoutingPolicy, Terms
from simulation.parties.payment_faults import COURSES
from tests.builders.deposits import build_asked, build_route
from tests.currencies import RATES
from tests.fakes.fake_betting import permits
from tests.free_ports import free_port
from tests.ledger_world import LedgerWorld, open_world, scratch_database
from tests.payment_parties import Party, open_bank, open_cards

LIMIT_S = 60.0
HOST = "127.0.0.1"
NAME = card_provider.NAME
Opener = Callable[[Path, str], AbstractAsyncContextManager[Party]]
NAMES: Mapping[Opener, tuple[str, Method]] = {
    open_cards: (card_provider.NAME, Method.CARD),
    open_bank: (bank_provider.NAME, Method.BANK),
}
every_provider = pytest.mark.parametrize("opener", NAMES)


@dataclass(frozen=True)
class Dying:
    """A provider; our process is killed after it did what it was asked for, and before that is known."""

    provider: PaymentProvider

    async def pay_in(self, order: PayIn) -> Told:
        await self.provider.pay_in(order)
        raise asyncio.CancelledError

    async def find_pay_in(self, reference: UUID) -> Told:
        return await self.provider.find_pay_in(reference)

    def read_notification(self, body: bytes) -> Told:
        return self.provider.read_notification(body)


@dataclass(frozen=True)
class Cashier:
    """Our side, the provider's, and ways to ask both."""

    world: LedgerWorld
    deposits: Deposits
    worker: PaymentWorker
    party: Party
    callback_url: str

    def asked(self, player: Player, minor: int, *, instrument: str = "tok_ok") -> DepositAsked:
        return build_asked(player, minor, instrument=instrument, method=self.party.method)

    async def pay(self, player: Player, minor: int, *, instrument: str = "tok_ok") -> UUID:
        deposit = await self.deposits.ask(player, self.asked(player, minor, instrument=instrument))
        return deposit.deposit_id

    async def state(self, player: Player, deposit_id: UUID) -> AttemptState:
        return (await self.deposits.find(player.player_id, deposit_id)).state

    async def expect_books_agree(self) -> None:
        """Compare what the provider took with what we credited, and have the ledger audited."""
        took = {name: money for name, (money, status) in (await self.party.book()).items() if status == "captured"}
        rows = await self.world.fetch("""
            SELECT a.provider_reference, t.amount_minor, t.currency FROM ledger.transfer t
            JOIN payments.attempt a ON t.key = format('%s/%s/credit', a.provider, a.provider_reference)
            WHERE t.provider = 'payments'
        """)
        assert {row["provider_reference"]: Money(row["amount_minor"], row["currency"]) for row in rows} == took
        assert len(rows) == len(took)
        async with self.world.pool.connection() as connection:
            findings = await check_ledger(connection)
        assert {finding.name: finding.violations for finding in findings if finding.violations} == {}


@asynccontextmanager
async def open_cashier(
    world: LedgerWorld, book: Path, opener: Opener, *, is_dying: bool = False, is_first_away: bool = False
) -> AsyncIterator[Cashier]:
    door_port, clock = free_port(), SystemClock()
    async with AsyncExitStack() as stack:
        name, method = NAMES[opener]
        callback_url = f"http://{HOST}:{door_port}/callbacks/{name}"
        party = await stack.enter_async_context(opener(book, callback_url))
        providers: dict[str, PaymentProvider] = {name: Dying(party.provider) if is_dying else party.provider}
        if is_first_away:
            providers = {"a-first": party.unreachable} | providers
        terms = Terms(methods=frozenset({method}), deposit_minor_min=1, deposit_minor_max=100_000)
        policy = RoutingPolicy(day=date(2026, 1, 1), providers=dict.fromkeys(providers, terms), preferred={})
        deposits = Deposits(
            providers=providers,
            permits=permits(),
            router=Router(
                policy,
                jurisdiction="somewhere",
                connected=tuple(providers),
                rates=RATES,
                health=Health(),
                clock=clock,
            ),
            store=world.deposits,
            clock=clock,
        )
        worker = PaymentWorker(deposits, store=world.deposits, inbox=world.inbox)
        route = callback_route(
            name, signature=party.signature, answer=party.answer, inbox=world.inbox, wake=worker.wake
        )
        site = serving_asgi(make_app([route]), host=HOST, port=door_port, settings=Doors())
        await stack.enter_async_context(site)
        yield Cashier(world, deposits, worker, party, callback_url)


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


@every_provider
async def test_every_course_of_a_payment_ends_as_in_the_providers_book(
    world: LedgerWorld, tmp_path: Path, opener: Opener
) -> None:
    player = await world.open_player(cash_minor=0)
    async with open_cashier(world, tmp_path / "book", opener) as cashier:
        names = [name for name in COURSES for _ in range(2)]
        async with working(cashier, cashier):
            made = await asyncio.gather(*(cashier.pay(player, 700, instrument=f"tok_{name}") for name in names))
            ends = {
                "declined": AttemptState.DECLINED,
                "unavailable": AttemptState.DECLINED,
                "lost": AttemptState.UNKNOWN,
            }
            for name, deposit_id in zip(names, made, strict=True):

                async def has_ended(name: str = name, deposit_id: UUID = deposit_id) -> bool:
                    return await cashier.state(player, deposit_id) is ends.get(name, AttemptState.CREDITED)

                await eventually(has_ended)
        assert await world.cash_minor(player) == 700 * 2 * (len(COURSES) - len(ends))
        await cashier.expect_books_agree()


@every_provider
async def test_a_request_asked_five_times_at_once_is_one_payment(
    world: LedgerWorld, tmp_path: Path, opener: Opener
) -> None:
    player = await world.open_player(cash_minor=0)
    async with open_cashier(world, tmp_path / "book", opener) as cashier, working(cashier):
        asked = cashier.asked(player, 700)
        made = await asyncio.gather(*(cashier.deposits.ask(player, asked) for _ in range(5)))
        assert len({deposit.deposit_id for deposit in made}) == 1
        await eventually(lambda: _has_cash(world, player, 700))
        assert [status for _, status in (await cashier.party.book()).values()] == ["captured"]
        await cashier.expect_books_agree()


async def test_a_process_killed_before_it_asks_asks_about_it_later_and_the_attempt_expires(
    world: LedgerWorld, tmp_path: Path
) -> None:
    player = await world.open_player(cash_minor=0)
    asked = build_asked(player, 700)
    begun = await world.deposits.begin(asked, build_route(asked, NAME))
    deposit_id = begun.deposit.deposit_id
    async with open_cashier(world, tmp_path / "book", open_cards) as cashier, working(cashier):

        async def is_at(state: AttemptState) -> bool:
            return await cashier.state(player, deposit_id) is state

        await eventually(lambda: is_at(AttemptState.UNKNOWN))
        back_us = EXPIRES_AFTER_US + ASK_AFTER_US[-1]
        await world.fetch("UPDATE payments.attempt SET begun_time_us = begun_time_us - $1, ask_time_us = 0", back_us)
        await eventually(lambda: is_at(AttemptState.EXPIRED))
        assert await cashier.party.book() == {}


@every_provider
async def test_a_process_killed_between_the_payment_and_its_answer_loses_and_doubles_nothing(
    world: LedgerWorld, tmp_path: Path, opener: Opener
) -> None:
    player = await world.open_player(cash_minor=0)
    async with open_cashier(world, tmp_path / "book", opener, is_dying=True) as cashier:
        asked = cashier.asked(player, 700)
        with pytest.raises(asyncio.CancelledError):
            await cashier.deposits.ask(player, asked)
        # The notification is kept, and nobody works on it: that process is dead as well.
        await eventually(lambda: _has_rows(world, "payments.inbox"))
        assert await world.cash_minor(player) == 0
        async with working(cashier):
            await eventually(lambda: _has_cash(world, player, 700))
        assert (await cashier.deposits.ask(player, asked)).state is AttemptState.CREDITED
        await cashier.expect_books_agree()


@every_provider
async def test_only_what_is_signed_as_it_came_is_kept_and_what_fits_nothing_is_for_a_person(
    world: LedgerWorld, tmp_path: Path, opener: Opener
) -> None:
    async with open_cashier(world, tmp_path / "book", opener) as cashier:
        assert await cashier.party.tell(b"not known", is_forged=True) == 401
        async with aiohttp.ClientSession() as session:
            for body, status in ((b"{}", 401), (b"", 401), (b"[" * 20_000, 401), (b"x" * (BODY_BYTES_MAX + 1), 413)):
                async with session.post(cashier.callback_url, data=body) as answer:
                    assert answer.status == status
        assert not await _has_rows(world, "payments.inbox")
        assert await cashier.party.tell(b"not known") == 200
        async with working(cashier):
            await eventually(lambda: _is_empty(world, "payments.inbox WHERE closed_time_us IS NULL"))
    rows = await world.fetch("SELECT complaint FROM payments.inbox")
    assert [row["complaint"].partition(":")[0] for row in rows] == ["NOTIFICATION_MALFORMED"]


async def test_a_payment_that_is_none_of_ours_is_for_a_person(world: LedgerWorld, tmp_path: Path) -> None:
    body = (
        f'{{"type":"payment.captured","payment_id":"p","reference":"{uuid4()}",'
        '"amount":{"value":1,"currency":"EUR"}}'
    ).encode()
    async with open_cashier(world, tmp_path / "book", open_cards) as cashier:
        assert [await cashier.party.tell(body), await cashier.party.tell(body)] == [200, 200]
        async with working(cashier):
            await eventually(lambda: _is_empty(world, "payments.inbox WHERE closed_time_us IS NULL"))
    rows = await world.fetch("SELECT complaint FROM payments.inbox")
    assert [row["complaint"].partition(":")[0] for row in rows] == ["NOTIFICATION_MISMATCHED"]


@every_provider
async def test_a_provider_that_is_away_is_no_riddle_and_the_next_takes_over(
    world: LedgerWorld, tmp_path: Path, opener: Opener
) -> None:
    player = await world.open_player(cash_minor=0)
    async with open_cashier(world, tmp_path / "book", opener, is_first_away=True) as cashier, working(cashier):
        deposit_id = await cashier.pay(player, 700)
        await eventually(lambda: _has_cash(world, player, 700))
        deposit = await cashier.deposits.find(player.player_id, deposit_id)
        assert [(attempt.provider, attempt.code) for attempt in deposit.attempts] == [
            ("a-first", "unreachable"),
            (cashier.party.name, ""),
        ]
        await cashier.expect_books_agree()


@every_provider
async def test_a_provider_tells_what_it_knows_and_that_it_knows_nothing(
    world: LedgerWorld, tmp_path: Path, opener: Opener
) -> None:
    async with open_cashier(world, tmp_path / "book", opener) as cashier:
        provider, method = cashier.party.provider, cashier.party.method
        order = PayIn(uuid4(), Money(701, "EUR"), method, "tok_silent")
        first, again = await provider.pay_in(order), await provider.pay_in(order)
        assert first == again
        assert (first.outcome, first.amount) == (Outcome.PENDING, order.amount)
        assert (await provider.find_pay_in(order.reference)).provider_reference == first.provider_reference
        yen = PayIn(uuid4(), Money(7_001, "JPY"), method, "tok_silent")
        assert (await provider.pay_in(yen)).amount == yen.amount
        unknown = uuid4()
        assert await provider.find_pay_in(unknown) == Told(unknown, Outcome.NOT_FOUND)
        lost = replace(order, reference=uuid4(), instrument="tok_lost")
        assert (await provider.pay_in(lost)).outcome is Outcome.NO_ANSWER
        assert (await cashier.party.unreachable.find_pay_in(order.reference)).outcome is Outcome.NO_ANSWER
        assert len(await cashier.party.book()) == 2


async def test_what_is_for_a_person_is_listed_and_read_again_once_it_fits(settings: Settings, tmp_path: Path) -> None:
    async with scratch_database(settings) as scratch, open_world(scratch) as world:
        player = await world.open_player(cash_minor=0)
        async with open_cashier(world, tmp_path / "book", open_cards) as cashier:
            asked = build_asked(player, 700)
            (attempt,) = (await world.deposits.begin(asked, build_route(asked, "another"))).deposit.attempts
            body = (
                f'{{"type":"payment.captured","payment_id":"p","reference":"{attempt.reference}",'
                '"amount":{"value":700,"currency":"EUR"}}'
            ).encode()
            assert await cashier.party.tell(body) == 200
            async with working(cashier):
                await eventually(lambda: _has_rows(world, "payments.inbox WHERE complaint IS NOT NULL"))
            shown = await asyncio.to_thread(_findings, scratch)
            for told in ("NOTIFICATION_MISMATCHED", str(attempt.reference), "EUR 7.00"):
                assert told in shown
            await world.fetch("UPDATE payments.attempt SET provider = $1", NAME)
            number = (await world.fetch("SELECT message_id FROM payments.inbox"))[0]["message_id"]
            assert await asyncio.to_thread(read_again, scratch, number)
            async with working(cashier):
                await eventually(lambda: _has_cash(world, player, 700))
            assert not await asyncio.to_thread(read_again, scratch, number)
            shown = await asyncio.to_thread(_findings, scratch)
            assert "0 notifications" in shown
            assert "0 attempts" in shown


def _findings(settings: Settings) -> str:
    console = Console(file=io.StringIO(), width=300)
    show_findings(settings, console, open_longer_than_min=0)
    shown: str = console.file.getvalue()  # type: ignore[attr-defined] # it is the one above
    return shown


async def test_words_in_any_order_from_two_workers_credit_once(world: LedgerWorld, tmp_path: Path) -> None:
    player = await world.open_player(cash_minor=0)
    words = ("pending", "captured", "declined")
    async with open_cashier(world, tmp_path / "book", open_cards) as cashier:
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


async def test_an_attempt_follows_one_that_failed_and_no_other(world: LedgerWorld) -> None:
    player = await world.open_player(cash_minor=0)
    asked = build_asked(player, 700)
    deposit = (await world.deposits.begin(asked, build_route(asked, NAME))).deposit
    second = build_route(asked, "another")
    assert await world.deposits.begin_next(deposit, second) is None
    told = Told(deposit.last.reference, Outcome.DECLINED, "", asked.amount, "unreachable")
    assert await world.deposits.move(deposit.last, AttemptState.DECLINED, told)
    await world.players.set_status(player.username, PlayerStatus.BLOCKED)
    assert await world.deposits.begin_next(deposit, second) is None
    await world.players.set_status(player.username, PlayerStatus.ACTIVE)
    made = await asyncio.gather(*(world.deposits.begin_next(deposit, second) for _ in range(3)))
    (followed,) = [each for each in made if each is not None]
    assert [attempt.provider for attempt in followed.attempts] == [NAME, "another"]


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
