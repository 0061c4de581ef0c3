"""The relay against a real PostgreSQL, with the log played by a fake, and once with the real one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from confluent_kafka import Consumer

from bets.ports import ResultMessage
from compliance.jurisdiction import LimitWindow
from infra.kafka import KafkaOutlet
from infra.postgres.outbox.event import Position
from infra.relay import Relay
from infra.settings import Relay as RelaySettings
from infra.settings import Settings
from infra.stores.log_place import LogPlace
from infra.stores.postgres_outbox import load_position, store_position
from infra.stores.postgres_protection import PostgresProtection
from overround.audit.v1.audit_pb2 import Asked
from overround.bets.v1.bet_pb2 import BetChanged, LegChanged
from overround.casino.v1.round_pb2 import RoundPlayed
from overround.pam.v1.player_pb2 import PlayerEvent, PlayerState
from overround.payments.v1 import payment_pb2
from pam.player import Player
from payments.deposit import AttemptState
from payments.provider import Outcome, Told
from tests.builders.deposits import build_asked, build_route
from tests.fakes.fake_outlet import FakeOutlet
from tests.ledger_world import LedgerWorld, build_command, claim_of, open_world, scratch_database, settlement
from wire.bets import parse_bet
from wire.players import build_player
from wire.topics import (
    AUDIT,
    BET_EVENTS,
    BET_LEGS,
    CASINO_ROUNDS,
    PAYMENT_EVENTS,
    PLAYER_EVENTS,
    PLAYERS,
    TOPICS,
    WALLET_EVENTS,
)

QUICK = RelaySettings(retry_ms=20, chain_interval_ms=20, prune_interval_ms=20, poll_ms=5, statement_timeout_ms=30_000)
PLACE = LogPlace("the log", 0)
MESSAGES: dict[str, type[Any]] = {
    topic.name: topic.message for topic in TOPICS if "position" in topic.message.DESCRIPTOR.fields_by_name
}


class RelayOutlet(FakeOutlet):
    """Has what the relay tells, beside anchors."""

    def close(self) -> None:
        pass

    @property
    def told(self) -> list[tuple[str, str, bytes]]:
        return [(topic, key, value) for topic, key, value in self.kept if topic in MESSAGES and value is not None]

    def positions(self) -> list[tuple[int, int]]:
        """Return where each message stood in the outbox."""
        stamps = [MESSAGES[topic].FromString(value).position for topic, _, value in self.told]
        return [(stamp.transaction_id, stamp.row_id) for stamp in stamps]

    def asked(self) -> list[tuple[str, Asked]]:
        """Return what the audit was told, with who did it."""
        return [(key, Asked.FromString(value)) for topic, key, value in self.told if topic == AUDIT.name]


@pytest.fixture
async def scratch(settings: Settings) -> AsyncIterator[Settings]:
    async with scratch_database(settings) as made:
        yield made


@pytest.fixture
async def world(scratch: Settings) -> AsyncIterator[LedgerWorld]:
    async with open_world(scratch) as opened:
        yield opened


@asynccontextmanager
async def running(
    settings: Settings, outlet: RelayOutlet | KafkaOutlet, options: RelaySettings = QUICK
) -> AsyncIterator[Relay]:
    relay, stopping = Relay(settings.postgres_dsn, lambda: outlet, lambda: (), lambda: PLACE, options), asyncio.Event()
    task = asyncio.create_task(relay.run(stopping))
    try:
        yield relay
    finally:
        stopping.set()
        await asyncio.wait_for(task, 60)


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(6_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("did not come true in time")


async def play(world: LedgerWorld, *, bets: int) -> Player:
    player = await world.open_player(cash_minor=10_000)
    for _ in range(bets):
        await world.bet(player, stake_minor=100, fixture_id="sim:test:1")
    return player


async def test_everything_is_told_once_in_order_under_its_key(world: LedgerWorld, scratch: Settings) -> None:
    outlet = RelayOutlet()
    async with running(scratch, outlet):
        player = await play(world, bets=3)
        await world.apply("sim:test:1", settlement(home_won=True), key="sim:test:1/1")
        await eventually(lambda: len(outlet.told) == 2 + 1 + 3 * 3 + 3 * 3)
    assert outlet.positions() == sorted(set(outlet.positions()))
    keys = {topic: key for topic, key, _ in outlet.told}
    account = str(player.cash_account_id)
    assert keys == {
        PLAYER_EVENTS.name: str(player.player_id),
        PLAYERS.name: str(player.player_id),
        BET_EVENTS.name: account,
        BET_LEGS.name: "sim:test:1",
        WALLET_EVENTS.name: account,
    }


async def test_a_bet_is_told_as_it_was_after_each_event(world: LedgerWorld, scratch: Settings) -> None:
    player = await play(world, bets=1)
    await world.apply("sim:test:1", settlement(home_won=True), key="sim:test:1/1")
    outlet = RelayOutlet()
    async with running(scratch, outlet):
        await eventually(lambda: len(outlet.told) == 9)
    changes = [BetChanged.FromString(value) for topic, _, value in outlet.told if topic == BET_EVENTS.name]
    legs = [LegChanged.FromString(value) for topic, _, value in outlet.told if topic == BET_LEGS.name]
    stored, _ = await world.bets.list_bets(player.player_id, status=None, size=1, before="")
    assert [len(change.bet.events) for change in changes] == [1, 2]
    assert parse_bet(changes[1].bet) == stored[0]
    assert [(leg.stake_minor, leg.potential_return_minor) for leg in legs] == [(100, 200), (-100, -200)]


async def test_a_round_is_told_once_with_what_was_drawn(world: LedgerWorld, scratch: Settings) -> None:
    player = await world.open_player(cash_minor=1_000)
    played = (await world.spin(player, (9, 2, 4), win_minor=15_000)).round
    outlet = RelayOutlet()
    async with running(scratch, outlet):
        await eventually(lambda: len(outlet.told) == 2 + 1 + 2 + 1)
    ((key, told),) = [(key, value) for topic, key, value in outlet.told if topic == CASINO_ROUNDS.name]
    message = RoundPlayed.FromString(told)
    assert key == message.account_id == str(player.cash_account_id)
    assert (message.round.round_id, list(message.round.stops)) == (str(played.round_id), [9, 2, 4])
    assert (message.round.stake.amount_minor, message.round.win.amount_minor) == (100, 15_000)


async def test_what_becomes_of_a_deposit_is_told_with_the_money_that_it_brings(
    world: LedgerWorld, scratch: Settings
) -> None:
    player = await world.open_player(cash_minor=0)
    asked = build_asked(player, 700)
    (attempt,) = (await world.deposits.begin(asked, build_route(asked, "cards-1"))).deposit.attempts
    told = Told(attempt.reference, Outcome.CAPTURED, "pay_1", asked.amount)
    assert await world.deposits.move(attempt, AttemptState.CREDITED, told)
    outlet = RelayOutlet()
    async with running(scratch, outlet):
        await eventually(lambda: len(outlet.told) == 2 + 2 + 1)
    changes = [
        (key, payment_pb2.DepositChanged.FromString(value))
        for topic, key, value in outlet.told
        if topic == PAYMENT_EVENTS.name
    ]
    assert [key for key, _ in changes] == [str(player.player_id)] * 2
    assert [(change.state, change.provider_reference) for _, change in changes] == [
        (payment_pb2.ATTEMPT_STATE_SUBMITTED, ""),
        (payment_pb2.ATTEMPT_STATE_CREDITED, "pay_1"),
    ]
    assert WALLET_EVENTS.name in {topic for topic, _, _ in outlet.told}


async def test_who_decides_about_a_parked_result_is_told_once_however_often_the_relay_starts(
    world: LedgerWorld, scratch: Settings
) -> None:
    result = ResultMessage("sim:test:2/1", "uof:1", "sim:test:2", "1x2", 1, b"?", is_whole=True)
    await world.parked.park(result, reason="RESULT_CONTRADICTS", detail="", holds_queue=False, is_held=True)
    (parked,) = await world.parked.list_waiting(10)
    for decision, who in (("redo", "ann"), ("drop", "bob"), ("redo", "cas")):  # what was dropped cannot be redone
        await world.parked.decide(parked["parked_id"], decision, reason=f"{who} says so", decided_by=who)
    outlet, again, late = RelayOutlet(), RelayOutlet(), RelayOutlet()
    for relayed in (outlet, again):
        async with world.pool.connection() as connection:
            await store_position(connection, Position(0, 0))
        async with running(scratch, relayed):
            await eventually(lambda relayed=relayed: len(relayed.told) == 2)  # type: ignore[misc]
    async with running(scratch, late):
        player = await world.open_player(cash_minor=1_000)
        await eventually(lambda: str(player.player_id) in [key for _, key, _ in late.told])
    assert (again.told, late.asked()) == (outlet.told, [])
    told = outlet.asked()
    assert [(key, one.decision.decision, one.decision.decided_by, one.decision.reason) for key, one in told] == [
        ("ann", "redo_result", "ann", "ann says so"),
        ("bob", "drop_result", "bob", "bob says so"),
    ]
    kept = await world.fetch("SELECT transaction_id::text::bigint, time_us FROM bets.result_decision ORDER BY 1")
    assert [(one.position.transaction_id, one.decision.time_us) for _, one in told] == [tuple(row) for row in kept]
    assert {one.decision.subject for _, one in told} == {"sim:test:2/1"}


async def test_who_decides_about_a_bet_that_was_set_aside_is_told(world: LedgerWorld, scratch: Settings) -> None:
    player = await world.open_player(cash_minor=1_000)
    bet = await world.bet(player, stake_minor=100, fixture_id="sim:test:1")
    await world.set_posted(player, 2**63 - 101)
    await world.apply("sim:test:1", settlement(home_won=True), key="sim:test:1/1")
    with pytest.raises(asyncpg.DataError):  # it still cannot be paid: nothing is decided
        await world.parked.decide_bet(bet.bet_id, "redo", reason="again", decided_by="ann")
    await world.set_posted(player, 900)
    for decision in ("redo", "drop"):  # what was paid is not there to be dropped
        await world.parked.decide_bet(bet.bet_id, decision, reason="balance mended", decided_by="bob")
    outlet = RelayOutlet()
    async with running(scratch, outlet):
        await eventually(lambda: len(outlet.told) == 2 + 1 + 3 + 3 + 1)
    ((who, told),) = outlet.asked()
    assert (who, told.decision.decision, told.decision.subject) == ("bob", "redo_bet", str(bet.bet_id))
    assert (told.decision.decided_by, told.decision.reason) == ("bob", "balance mended")


async def test_what_was_held_for_a_gateway_that_died_is_free_again(world: LedgerWorld, scratch: Settings) -> None:
    player = await world.open_player(cash_minor=1_000)
    wanted = claim_of(build_command(player, 700, "sim:test:1"), until_us=await world.now_us() + 60_000_000)
    assert (await world.bets.claim(wanted)).is_claimed
    await world.let_claims_end(player)
    assert await world.cash_minor(player) == 300
    async with running(scratch, RelayOutlet()), asyncio.timeout(5):
        while await world.cash_minor(player) != 1_000:  # noqa: ASYNC110 (the database tells nobody of it)
            await asyncio.sleep(0.02)


async def test_a_page_whose_position_was_lost_is_published_again_in_order(
    world: LedgerWorld, scratch: Settings
) -> None:
    await play(world, bets=4)
    before, after = RelayOutlet(), RelayOutlet()
    async with running(scratch, before):
        await eventually(lambda: len(before.told) == 15)
    async with world.pool.connection() as connection:
        transaction_id, row_id = before.positions()[4]
        await store_position(connection, Position(transaction_id, row_id))
    async with running(scratch, after):
        await eventually(lambda: len(after.told) == 10)
    assert after.told == before.told[5:]


async def test_a_log_that_fails_is_sat_out_and_nothing_is_skipped(world: LedgerWorld, scratch: Settings) -> None:
    outlet = RelayOutlet(room=3)
    await play(world, bets=4)
    async with running(scratch, outlet) as relay:
        await eventually(lambda: len(outlet.told) == 3)
        await asyncio.sleep(0.1)
        async with world.pool.connection() as connection:
            assert await load_position(connection) == Position(0, 0)
        outlet.room = None
        await eventually(lambda: len(outlet.told) == 3 + 15)
        assert await relay.complaint() is None
    assert len(set(outlet.positions())) == 15


async def test_a_transaction_that_began_first_and_ends_last_is_not_skipped(
    world: LedgerWorld, scratch: Settings
) -> None:
    player = await world.open_player(cash_minor=10_000)
    outlet = RelayOutlet()
    slow = await asyncpg.connect(scratch.postgres_dsn)
    async with running(scratch, outlet):
        await eventually(lambda: len(outlet.told) == 3)
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(
            "INSERT INTO ledger.outbox (event, subject, sequence, time_us) "
            "VALUES ('player_registered', $1, 0, ledger.now_us())",
            player.player_id,
        )
        await world.bet(player, stake_minor=100, fixture_id="sim:test:1")
        await asyncio.sleep(0.1)
        assert len(outlet.told) == 3
        await transaction.commit()
        await eventually(lambda: len(outlet.told) == 7)
    await slow.close()
    assert outlet.told[3][0] == PLAYER_EVENTS.name
    assert outlet.positions() == sorted(outlet.positions())


async def test_one_relay_leads_and_the_other_takes_over(world: LedgerWorld, scratch: Settings) -> None:
    first, second = RelayOutlet(), RelayOutlet()
    async with running(scratch, second):
        await play(world, bets=1)
        await eventually(lambda: len(second.told) == 6)
        async with running(scratch, first) as standby:
            await asyncio.sleep(0.1)
            assert await standby.complaint() is None
    async with running(scratch, first):
        await play(world, bets=1)
        await eventually(lambda: len(first.told) == 6)
    assert not set(first.positions()) & set(second.positions())


async def test_a_lost_connection_is_replaced(world: LedgerWorld, scratch: Settings) -> None:
    outlet = RelayOutlet()
    async with running(scratch, outlet):
        await play(world, bets=1)
        await eventually(lambda: len(outlet.told) == 6)
        await world.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'relay' AND datname = current_database()"
        )
        await play(world, bets=1)
        await eventually(lambda: len(set(outlet.positions())) == 12)


async def test_what_is_published_and_old_is_pruned_and_what_is_not_stays(world: LedgerWorld, scratch: Settings) -> None:
    await play(world, bets=2)
    outlet = RelayOutlet(room=0)
    async with running(scratch, outlet, QUICK.model_copy(update={"published_kept_s": 0})):
        await asyncio.sleep(0.1)
        assert (await world.fetch("SELECT count(*) FROM ledger.outbox"))[0][0] == 9
        outlet.room = None
        for _ in range(6_000):
            if (await world.fetch("SELECT count(*) FROM ledger.outbox"))[0][0] == 0:
                break
            await asyncio.sleep(0.01)
        else:
            raise AssertionError("the outbox was not pruned")
    assert len(outlet.told) == 9


async def test_what_players_protect_themselves_with_is_told_and_how_they_stand_last(
    world: LedgerWorld, scratch: Settings
) -> None:
    player, protection = await world.open_player(cash_minor=0), PostgresProtection(world.pool)
    for minor in (500, 800):
        await protection.set_limit(
            player,
            uuid.uuid4(),
            window=LimitWindow.WEEK,
            amount_minor=minor,
            raise_waits_us=7,
            raise_needs_confirmation=True,
        )
    await protection.step_back(player, uuid.uuid4(), hours=24)
    await protection.exclude(player, uuid.uuid4(), months=6)
    outlet = RelayOutlet()
    async with running(scratch, outlet):
        await eventually(lambda: len(outlet.told) == 2 + 4 * 2)
    events = [PlayerEvent.FromString(value) for topic, _, value in outlet.told if topic == PLAYER_EVENTS.name]
    changes = [event.change for event in events[1:]]
    assert not events[0].HasField("change")
    assert [(change.sequence, change.kind) for change in changes] == [(2, 3), (3, 4), (4, 1), (5, 2)]
    assert [(change.limit_window, change.limit_minor) for change in changes[:2]] == [("7d", 500), ("7d", 800)]
    assert changes[1].until_us == changes[1].time_us + 7
    states = [PlayerState.FromString(value) for topic, _, value in outlet.told if topic == PLAYERS.name]
    stored = await world.players.find(player.player_id)
    assert stored is not None
    assert len(states) == 5
    assert states[-1].player == build_player(stored)
    assert states[-1].player.excluded_until_us == changes[3].until_us
    assert states[-1].cash_account_id == str(player.cash_account_id)


async def test_what_a_bet_did_reaches_kafka(world: LedgerWorld, scratch: Settings) -> None:
    consumer = Consumer(
        {
            **scratch.kafka_client,
            "group.id": f"relay-test-{uuid.uuid4()}",
            "auto.offset.reset": "earliest",
        }
    )
    outlet = KafkaOutlet(scratch.kafka_client, client_id="relay-test", delivery_timeout_ms=0)
    try:
        async with running(scratch, outlet):
            player = await play(world, bets=1)
            consumer.subscribe([BET_EVENTS.name])
            value = await asyncio.to_thread(_find_by_key, consumer, str(player.cash_account_id), player)
    finally:
        await asyncio.to_thread(consumer.close)
    assert BetChanged.FromString(value).bet.player_id == str(player.player_id)


def _find_by_key(consumer: Consumer, key: str, player: Player) -> bytes:
    for _ in range(1_200):
        for message in consumer.consume(100, 0.1):
            if message.error() is None and message.key() == key.encode():
                value = message.value() or b""
                if str(player.player_id).encode() in value:
                    return value
    raise AssertionError("the bet did not come")
