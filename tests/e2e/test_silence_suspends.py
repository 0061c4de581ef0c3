"""Whoever should speak is away, paused or cut off: no bet is taken on what was said before, and all come back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil
import pytest

from infra.local.state import ProgramRecord
from overround.bets.v1 import bet_pb2
from tests.e2e.client import Bettor, Price, Prices, find_price, wait_for
from tests.running_system import RunningSystem, launch_up, running

STAKE_MINOR = 100
PRICES_MAX = 8
LOOKS_AFTER_S = (0.0, 4.0, 12.0)
OUTCOMES = {"1x2": "home", "total:2.5": "over"}
PAUSE_S = 6.0
"""Twice what a member of a consumer group may be silent."""
BACK_LIMIT_S = 180.0
END_LIMIT_S = 60.0
PAUSES_APART_S = 0.5
ROUNDS = (("pricing", "risk", "settlement", "history", "relay", "gateway"),)


@pytest.mark.timeout(900)
def test_a_system_that_comes_back_without_any_provider_takes_no_bet(system: RunningSystem) -> None:
    settings = system.settings
    target = f"{settings.host}:{settings.ports.web}"
    system.start("simulation")
    system.wait_healthy("simulation")
    offered = wait_for(lambda: open_prices(Prices(target)), what="open markets of the simulation", limit_s=BACK_LIMIT_S)
    assert isinstance(Bettor(target, deposit_minor=100_000).place(offered[0], stake_minor=STAKE_MINOR), bet_pb2.Bet)

    supervisor = psutil.Process(running(settings).pid)
    supervisor.kill()  # every program dies with it
    supervisor.wait(END_LIMIT_S)
    launch_up(settings, "--without-simulation")

    bettor, prices = Bettor(target, deposit_minor=100_000), Prices(target)
    begun_s = time.monotonic()
    for look_s in LOOKS_AFTER_S:
        time.sleep(max(0.0, begun_s + look_s - time.monotonic()))
        for price in offered:
            answer = bettor.place(price, stake_minor=STAKE_MINOR)
            assert not isinstance(answer, bet_pb2.Bet), (look_s, price)
    assert open_prices(prices) is None
    assert bettor.bets() == []


def open_prices(prices: Prices) -> list[Price] | None:
    """Return what the simulation offers; a recording that was replayed before is given more time to speak again."""
    found = [
        price
        for book in prices.all_books()
        if all(provider_id.startswith("sim-") for provider_id in book.provider_ids)
        for market_id, outcome_id in OUTCOMES.items()
        if (price := find_price(book, market_id, outcome_id)) is not None
    ]
    return found[:PRICES_MAX] or None


@pytest.mark.timeout(900)
@pytest.mark.rounds(ROUNDS)
def test_a_process_paused_for_longer_than_its_session_goes_on(
    system: RunningSystem, live_fixture: str, programs: tuple[str, ...]
) -> None:
    target = f"{system.settings.host}:{system.settings.ports.web}"
    prices = Prices(target)
    wait_for(lambda: prices.price(live_fixture, "1x2", "home"), what="open market", limit_s=BACK_LIMIT_S)
    bettor = Bettor(target, deposit_minor=100_000)
    before = {program: system.wait_healthy(program) for program in programs}

    with ExitStack() as paused:
        for program in programs:
            paused.enter_context(pause_of(before[program]))
            time.sleep(PAUSES_APART_S)
        time.sleep(PAUSE_S)

    wait_for(lambda: is_taken(bettor, prices, live_fixture), what=f"bet after {programs}", limit_s=BACK_LIMIT_S)
    for program in programs:
        after = system.wait_healthy(program)
        assert (after.pid, after.restarts) == (before[program].pid, before[program].restarts)


@contextmanager
def pause_of(program: ProgramRecord) -> Iterator[None]:
    """Have a process stand still; the system does not notice by itself."""
    assert program.pid is not None
    os.kill(program.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(program.pid, signal.SIGCONT)


def is_taken(bettor: Bettor, prices: Prices, fixture_id: str) -> bool | None:
    price = prices.price(fixture_id, "1x2", "home")
    if price is None:
        return None
    return isinstance(bettor.place(price, stake_minor=STAKE_MINOR), bet_pb2.Bet) or None
