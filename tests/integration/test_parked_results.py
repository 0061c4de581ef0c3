"""Results that wait: through the settlement process, its health and the command line, on the real log and ledger."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import asyncpg
import pytest

from bets.bet import BetStatus
from bets.ports import ResultMessage
from infra.audit import audit_ledger
from infra.kafka import KafkaOutlet
from infra.processes.settlement import settle
from infra.settings import ROOT, Settings
from markets.results import MarketResult, ResultKind
from overround.feed.v1 import feed_pb2
from tests.ledger_world import LedgerWorld, build_keyed, correction, open_world, scratch_database, settlement
from wire.results import build_market_result
from wire.topics import RESULTS

WAIT_S = 120
WON, LOST = settlement(home_won=True), settlement(home_won=False)
ROLLBACK = correction(ResultKind.SETTLEMENT_ROLLBACK)


@dataclass
class Desk:
    """A database of its own, its settlement process, and the ways in."""

    settings: Settings
    world: LedgerWorld
    outlet: KafkaOutlet

    async def send(self, fixture_id: str, sequence: int, *results: MarketResult, provider_id: str = "uof:1") -> None:
        message = feed_pb2.FixtureResults(
            provider_id=provider_id,
            fixture_id=fixture_id,
            sequence=sequence,
            results=[build_market_result(result) for result in results],
        )
        await self.outlet.send_and_wait(RESULTS.name, fixture_id, message.SerializeToString())

    async def parked_of(self, fixture_id: str) -> list[asyncpg.Record]:
        """What waits of a fixture: the log has those of other tests too."""
        return [row for row in await self.world.parked.list_waiting(100) if row["fixture_id"] == fixture_id]

    async def waiting(self, fixture_id: str) -> list[tuple[str, str]]:
        return [(row["state"], row["reason"]) for row in await self.parked_of(fixture_id)]

    async def first_parked(self, fixture_id: str) -> str:
        return str((await self.parked_of(fixture_id))[0]["parked_id"])

    async def command(self, *words: str) -> tuple[int, str]:
        """Run `overround results` as a person does."""
        environment = {**os.environ, **self.settings.environment()}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "infra.cli", "results", *words),
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()


@pytest.fixture
async def desk(settings: Settings, kafka_client: dict[str, str]) -> AsyncIterator[Desk]:
    kafka = settings.kafka.model_copy(update={"consumer_group_prefix": f"test-{uuid.uuid4().hex[:12]}"})
    outlet = KafkaOutlet(kafka_client, client_id="test", delivery_timeout_ms=60_000)
    try:
        async with scratch_database(settings.model_copy(update={"kafka": kafka})) as own, open_world(own) as world:
            yield Desk(own, world, outlet)
    finally:
        outlet.close()


@asynccontextmanager
async def settling(desk: Desk) -> AsyncIterator[None]:
    """Run the settlement process; enters once it says it is healthy."""
    stopping = asyncio.Event()
    task = asyncio.ensure_future(settle(desk.settings, stopping))
    try:

        async def is_healthy() -> bool:
            if task.done():
                await task
            return await health(desk.settings) == "ok"

        await eventually(is_healthy)
        yield
    finally:
        stopping.set()
        await asyncio.wait_for(task, WAIT_S)


async def health(settings: Settings) -> str:
    url = f"http://{settings.host}:{settings.ports.settlement_http}/readyz"
    try:
        async with aiohttp.ClientSession() as client, client.get(url) as answer:
            return await answer.text()
    except aiohttp.ClientError:
        return ""


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not await condition():
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.05)


async def test_a_result_that_cannot_be_read_holds_its_fixture_through_restarts_until_somebody_drops_it(
    desk: Desk,
) -> None:
    held, other = f"test:{uuid.uuid4()}", f"test:{uuid.uuid4()}"
    player = await desk.world.open_player(cash_minor=1_000)
    bet = await desk.world.bet(player, stake_minor=100, fixture_id=held)
    untouched = await desk.world.bet(player, stake_minor=100, fixture_id=other)

    async def status_of(bet_id: uuid.UUID) -> BetStatus:
        found = await desk.world.bets.get_bet(player.player_id, bet_id)
        assert found is not None
        return found.status

    async def is_settled(bet_id: uuid.UUID) -> bool:
        return await status_of(bet_id) is BetStatus.SETTLED

    async def two_wait() -> bool:
        return await desk.waiting(held) == [("held", "RESULT_MALFORMED"), ("due", "RESULT_WAITS")]

    async def nothing_waits() -> bool:
        return await desk.waiting(held) == []

    async def complains() -> bool:
        return "wait for a person" in await health(desk.settings)

    async with settling(desk):
        await desk.outlet.send_and_wait(RESULTS.name, held, b"\xff\xff")
        await desk.send(held, 2, WON)
        await desk.send(other, 3, WON)
        await eventually(lambda: is_settled(untouched.bet_id))
        await eventually(two_wait)
        await eventually(complains)
    assert await status_of(bet.bet_id) is BetStatus.OPEN
    async with settling(desk):
        await eventually(complains)
        assert await two_wait()
        _, shown = await desk.command("list", "--open-longer-than-h", "0")
        assert held in shown
        assert "RESULT_MALFORMED" in shown
        number = await desk.first_parked(held)
        code, told = await desk.command("redo", number, "--reason", "try", "--by", "somebody")
        assert (code, "failed again" in told) == (1, True)
        code, told = await desk.command("drop", number, "--reason", "no words in it", "--by", "somebody")
        assert (code, told) == (0, "dropped\n")
        await eventually(lambda: is_settled(bet.bet_id))
        await eventually(nothing_waits)
        code, told = await desk.command("drop", number, "--reason", "again", "--by", "somebody")
        assert (code, "before" in told) == (1, True)
    decisions = await desk.world.fetch(
        "SELECT decision, reason, decided_by FROM bets.result_decision ORDER BY decision_id"
    )
    assert [tuple(row) for row in decisions] == [
        ("redo", "try", "somebody"),
        ("drop", "no words in it", "somebody"),
    ]
    await expect_clean_audit(desk)


async def test_a_contradiction_moves_no_money_until_somebody_wants_it(desk: Desk) -> None:
    fixture_id = f"test:{uuid.uuid4()}"
    player = await desk.world.open_player(cash_minor=1_000)
    await desk.world.bet(player, stake_minor=100, fixture_id=fixture_id)

    async def has_cash(minor: int) -> bool:
        return await desk.world.cash_minor(player) == minor

    async def waits(*reasons: str) -> bool:
        return await desk.waiting(fixture_id) == [("held", reason) for reason in reasons]

    async with settling(desk):
        await desk.send(fixture_id, 1, WON)
        await eventually(lambda: has_cash(1_100))
        await desk.send(fixture_id, 2, LOST, provider_id="betfair")
        await eventually(lambda: waits("RESULT_CONTRADICTS"))
        assert await has_cash(1_100)
        number = await desk.first_parked(fixture_id)
        code, told = await desk.command("redo", number, "--reason", "seen it", "--by", "somebody")
        assert (code, told) == (0, "applied\n")
        assert await has_cash(900)
        # What stands is the other provider's word now.
        await desk.send(fixture_id, 3, ROLLBACK)
        await eventually(lambda: waits("RESULT_CONTRADICTS"))
        # While that is open nothing else changes the market, whoever says it.
        number = await desk.first_parked(fixture_id)
        assert (await desk.command("drop", number, "--reason", "late", "--by", "somebody"))[0] == 0
        await desk.send(fixture_id, 4, ROLLBACK, provider_id="betfair")
        await desk.send(fixture_id, 5, WON, provider_id="betfair")
        await eventually(lambda: has_cash(1_100))
    await expect_clean_audit(desk)


async def test_what_a_newer_result_has_overtaken_is_not_redone(desk: Desk) -> None:
    fixture_id = f"test:{uuid.uuid4()}"
    player = await desk.world.open_player(cash_minor=1_000)
    await desk.world.bet(player, stake_minor=100, fixture_id=fixture_id)
    referred = MarketResult(ResultKind.SETTLEMENT, "1x2", LOST.outcomes, 0, 0, "", 2, (), "DEAD_HEAT_UNKNOWN")

    async def is_paid() -> bool:
        return await desk.world.cash_minor(player) == 1_100

    async with settling(desk):
        await desk.send(fixture_id, 1, referred)
        await desk.send(fixture_id, 2, WON)
        await eventually(is_paid)
        assert await desk.waiting(fixture_id) == [("held", "RESULT_REFERRED")]
        number = await desk.first_parked(fixture_id)
        code, told = await desk.command("redo", number, "--reason", "old", "--by", "somebody")
        assert (code, "newer result" in told) == (1, True)
        assert (await desk.command("drop", number, "--reason", "old", "--by", "somebody"))[0] == 0
    assert await is_paid()
    await expect_clean_audit(desk)


async def test_a_result_that_has_changed_bets_is_not_dropped_but_goes_on(desk: Desk) -> None:
    fixture_id = f"test:{uuid.uuid4()}"
    player = await desk.world.open_player(cash_minor=1_000)
    for _ in range(3):
        await desk.world.bet(player, stake_minor=100, fixture_id=fixture_id)
    keyed = build_keyed(fixture_id, WON, key=f"{fixture_id}/uof:1/1/0/1x2/1")
    await desk.world.settlement.settle_page(keyed, page_size=1, has_left_queue=False, is_decided=False)
    encoded = build_market_result(WON).SerializeToString()
    message = ResultMessage(keyed.key, "uof:1", fixture_id, "1x2", int(WON.kind), encoded, is_whole=False)
    await desk.world.parked.park(message, reason="RESULT_FAILED", detail="[a fault]", holds_queue=True, is_held=True)
    number = await desk.first_parked(fixture_id)
    code, told = await desk.command("drop", number, "--reason", "wrong", "--by", "somebody")
    assert (code, "has changed 1 bets already, and 2 bets of its market are open" in told) == (1, True), told
    assert await desk.waiting(fixture_id) == [("held", "RESULT_FAILED")]
    _, shown = await desk.command("list")
    assert [fixture_id in line and "[a fault]" in line for line in shown.splitlines()].count(True) == 1
    async with settling(desk):
        code, told = await desk.command("redo", number, "--reason", "mended", "--by", "somebody")
        assert (code, told) == (0, "applied\n")
    assert await desk.world.cash_minor(player) == 1_300
    await expect_clean_audit(desk)


async def test_a_decision_names_what_there_is_and_who_takes_it(desk: Desk) -> None:
    by = ("--reason", "why", "--by", "somebody")
    for words, told in (
        (("redo", "1", *by), "no such result"),
        (("drop", str(uuid.uuid4()), *by), "no result waits for this bet"),
        (("drop", "x", *by), "number of a result or the id of a bet"),
        (("drop", "1", "--reason", " ", "--by", "somebody"), "needs a reason"),
    ):
        code, output = await desk.command(*words)
        assert (code, told in output) == (1, True), output


async def expect_clean_audit(desk: Desk) -> None:
    without_clickhouse = desk.settings.model_copy(
        update={"ports": desk.settings.ports.model_copy(update={"clickhouse": 1})}
    )
    findings = await audit_ledger(without_clickhouse, must_check_copy=False)
    assert {finding.name: finding.violations for finding in findings if finding.violations} == {}
