"""A recorded exchange market goes from feed to price to bet to payout."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from clickhouse_driver import Client

from infra.log_reader import LogReader
from infra.settings import Settings
from overround.bets.v1 import bet_pb2
from overround.odds.v1 import book_pb2, fixture_pb2
from tests.e2e.client import Bettor, Price, Prices, wait_for
from tests.e2e.conftest import Overround, patient
from tests.running_system import RunningSystem
from wire.topics import BOOKS

MARKET_ID = "1.200806927"
EVENT_ID = "31573045"
WINNER, LOSER = "228749", "2857977"
STAKE_MINOR = 1_000


def prefix_until(lines: list[str], *, in_play: bool, minimum: int) -> int:
    """Return how many lines lead into an open market, pre-match or in play, with prices moving."""
    is_there = False
    for index, line in enumerate(lines):
        for change in json.loads(line)["mc"]:
            if definition := change.get("marketDefinition"):
                is_there = definition["status"] == "OPEN" and definition["inPlay"] is in_play
        if is_there and index >= minimum:
            return index + 1
    raise AssertionError("the recording has no such moment")


@pytest.mark.timeout(900)
def test_bets_on_the_recorded_cricket_market_are_paid_by_its_winner(
    system: RunningSystem, recorded_data: Path, overround: Overround
) -> None:
    settings = system.settings
    run = overround(patient(settings))
    target = f"{settings.host}:{settings.ports.web}"
    recording = recorded_data / "betfair" / MARKET_ID
    lines = recording.read_text(encoding="utf-8").splitlines()
    fixture_id = f"betfair:{EVENT_ID}"
    prices, bettor = Prices(target), Bettor(target, deposit_minor=10_000)

    def replay(count: int) -> None:
        run("replay", recording, "--speed", "max", "--first", count)

    def open_price(outcome_id: str) -> Price:
        return wait_for(
            lambda: prices.price(fixture_id, "match_odds", outcome_id), what=f"price of {outcome_id} in {fixture_id}"
        )

    replay(prefix_until(lines, in_play=False, minimum=900))
    pre_match = bettor.place(open_price(WINNER), stake_minor=STAKE_MINOR)
    assert isinstance(pre_match, bet_pb2.Bet), pre_match
    assert not pre_match.legs[0].is_in_play

    replay(prefix_until(lines, in_play=True, minimum=9_000))
    wait_for(lambda: is_in_play(prices, fixture_id) or None, what="cricket in play")
    in_play = bettor.place(open_price(LOSER), stake_minor=STAKE_MINOR)
    assert isinstance(in_play, bet_pb2.Bet), in_play
    assert in_play.legs[0].is_in_play

    for count in range(9_500, len(lines), 400):  # in one go hundreds of changes share a book
        replay(count)
    replay(len(lines))
    won = wait_for(lambda: settled(bettor, pre_match.bet_id), what="settlement of the winning bet")
    lost = wait_for(lambda: settled(bettor, in_play.bet_id), what="settlement of the losing bet")
    expected_minor = STAKE_MINOR * pre_match.legs[0].decimal_odds_milli // 1_000
    assert won.return_amount.amount_minor == expected_minor
    assert lost.return_amount.amount_minor == 0
    wait_for(
        lambda: bettor.balance_minor() == 10_000 - 2 * STAKE_MINOR + expected_minor or None,
        what="payout in the balance",
    )
    run("audit")
    assert_history_is_whole(settings, fixture_id)


def is_in_play(prices: Prices, fixture_id: str) -> bool:
    book = prices.book(fixture_id)
    return book is not None and book.state.status == fixture_pb2.FIXTURE_STATUS_IN_PLAY


def settled(bettor: Bettor, bet_id: str) -> bet_pb2.Bet | None:
    bet = bettor.bet(bet_id)
    return bet if bet.status == bet_pb2.BET_STATUS_SETTLED else None


def assert_history_is_whole(settings: Settings, fixture_id: str) -> None:
    published = asyncio.run(published_versions(settings, fixture_id))
    assert len(published) > 20
    wait_for(lambda: stored_versions(settings, fixture_id) == published or None, what="every book version in history")


async def published_versions(settings: Settings, fixture_id: str) -> set[int]:
    """Return every version of the fixture's book that the topic holds."""
    reader = LogReader(settings.kafka_client, [BOOKS.name], start="beginning", client_id="e2e")
    versions: set[int] = set()

    async def collect() -> None:
        async for records in reader.batches():
            books = [record.value for record in records if record.key == fixture_id and record.value]
            versions.update(book_pb2.Book.FromString(value).version for value in books)

    collecting = asyncio.create_task(collect())
    async with asyncio.timeout(180):
        while not reader.is_caught_up:  # noqa: ASYNC110 - the reader tells nobody when it gets there
            await asyncio.sleep(0.2)
    await reader.close()
    await collecting
    return versions


def stored_versions(settings: Settings, fixture_id: str) -> set[int]:
    client = Client.from_url(settings.clickhouse_dsn)
    try:
        rows = client.execute("SELECT version FROM book_versions WHERE fixture_id = %(id)s", {"id": fixture_id})
    finally:
        client.disconnect()
    return {version for (version,) in rows}
