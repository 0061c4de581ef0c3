"""What is remembered of the ledger's answers, and for how long."""

from __future__ import annotations

from uuid import UUID

import pytest

from bets import last_word
from bets.answer import Inquiry, Means
from bets.last_word import CLOCK_S_MAX, LastWord
from tests.fakes.fake_clock import FakeClock


def test_the_ledger_s_clock_goes_on_as_ours_does_until_it_is_too_long_ago() -> None:
    clock = FakeClock()
    word = LastWord(clock)
    assert word.time_us() is None
    word.note_time(77)
    clock.time_us += int(CLOCK_S_MAX * 1_000_000)
    assert word.time_us() == 77 + int(CLOCK_S_MAX * 1_000_000)
    clock.time_us += 1
    assert word.time_us() is None
    word.note_time(99)
    assert word.time_us() == 99
    word.forget_time()
    assert word.time_us() is None


def inquiry_of(player: int, market_id: str = "1x2") -> Inquiry:
    return Inquiry(
        request_id=UUID(int=0),
        player_id=UUID(int=player),
        cash_account_id=player,
        fingerprint=b"",
        fixture_id="sim:1:1",
        market_id=market_id,
    )


def test_a_bet_that_was_taken_leaves_less_cash_and_more_on_its_market_alone() -> None:
    word = LastWord(FakeClock())
    assert word.means(inquiry_of(1)) is None
    word.note_means(inquiry_of(1), Means(available_minor=900, market_stake_minor=100))
    word.note_bet(inquiry_of(1), stake_minor=50, available_minor=850)
    assert word.means(inquiry_of(1)) == Means(available_minor=850, market_stake_minor=150)
    assert word.means(inquiry_of(1, "total_goals@2.5")) == Means(available_minor=850, market_stake_minor=0)
    word.forget_means(UUID(int=1))
    assert word.means(inquiry_of(1)) is None


def test_who_has_not_bet_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_word, "PLAYERS_MAX", 2)
    monkeypatch.setattr(last_word, "MARKETS_MAX", 2)
    word = LastWord(FakeClock())
    for player in (0, 1, 0, 2):
        word.note_means(inquiry_of(player), Means(available_minor=5, market_stake_minor=7))
    assert [word.means(inquiry_of(player)) for player in range(3)] == [Means(5, 7), None, Means(5, 7)]
    word.note_means(inquiry_of(2, "total_goals@2.5"), Means(available_minor=5, market_stake_minor=7))
    assert [word.means(inquiry_of(player)) for player in (0, 2)] == [Means(5, 0), Means(5, 7)]
