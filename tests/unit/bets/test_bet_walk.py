"""A bet goes down from its door to the ledger: what comes back up to decide on the way is counted."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from bets import acceptance, placement
from bets.placement import BetPlacement, BettingRules
from bets.request import SlipRequest
from infra.settings import ROOT
from risk.limits import LimitTable
from tests.currencies import terms
from tests.fakes.fake_betting import (
    PLAYER,
    FakeBooks,
    FakeExposure,
    FakeLedger,
    FakeObserver,
    ask,
    permits,
)
from tests.fakes.fake_clock import FakeClock

RULES = BettingRules(
    terms=terms(LimitTable(10, 100_000, 500_000, 200_000, 500, 500)),
    in_play_delay_ms=0,
    answer_timeout_ms=5_000,
    in_flight_max=10,
)
DECIDERS = (str(ROOT / "risk"), acceptance.__file__)


async def test_two_calls_give_back_up_what_a_bet_that_is_known_is_decided_by() -> None:
    ledger = FakeLedger()
    bets = BetPlacement(
        permits=permits(),
        books=FakeBooks(),
        exposure=FakeExposure(),
        ledger=ledger,
        observer=FakeObserver(),
        clock=FakeClock(),
        rules=RULES,
    )
    await bets.place(PLAYER, ask())
    ledger.calls.clear()
    assert await calls_into_rules(bets, ask()) == ["decide", "take"]
    assert ledger.calls == ["place"]


async def calls_into_rules(bets: BetPlacement, slip: SlipRequest) -> list[str]:
    """Return what the use case calls of the rules until the ledger has the bet, in order."""
    called: list[str] = []

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        caller = frame.f_back
        if event != "call" or caller is None or caller.f_code.co_filename != placement.__file__:
            return
        name = frame.f_code.co_name
        if frame.f_code.co_filename.startswith(DECIDERS) and name not in HELD_ONLY:
            called.append(name)

    sys.setprofile(note)
    try:
        await bets.place(PLAYER, slip)
    finally:
        sys.setprofile(None)
    return called


HELD_ONLY = {"__init__", "is_in_play", "end"}
"""What makes, reads or ends something, and decides nothing."""
