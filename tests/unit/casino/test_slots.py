"""Slots: what they return is exact, and what comes out depends on version and random numbers alone."""

from __future__ import annotations

import inspect
from dataclasses import replace
from fractions import Fraction

import pytest

from casino.par_sheet import par_sheet_of
from casino.slot import GameMalformed, LineWin, Pay, SlotGame, exact_rtp
from infra.games import read_games
from infra.settings import HOUSE_DIR
from kernel.errors import InvariantBroken
from tests.fakes.fake_casino import FakeRandomNumbers

GAMES = [edition.game for rows in read_games(HOUSE_DIR).editions.values() for edition in rows]
(TRIPLE_BELL,) = (game for game in GAMES if (game.code, game.version) == ("triple_bell", 1))
TWO_LINES = SlotGame(
    code="two_lines",
    version=1,
    name="Two Lines",
    reels=(("a", "b", "b"), ("a", "b", "c"), ("c", "a", "b")),
    rows=2,
    lines=((0, 0, 0), (1, 0, 1)),
    pays=(Pay("a", 1, 1), Pay("b", 2, 2), Pay("b", 3, 3)),
    rtp=Fraction(20, 27),
)


def test_the_first_game_returns_what_its_whole_cycle_sums_to() -> None:
    sheet = par_sheet_of(TRIPLE_BELL)
    assert (sheet.cycle, sheet.hits) == (1_000, 253)
    assert sheet.rtp == TRIPLE_BELL.rtp == Fraction(951, 1_000)
    assert sheet.second_moment == Fraction(27_477, 1_000)
    assert sheet.variance == Fraction(26_572_599, 1_000_000)
    assert (round(sheet.deviation, 6), round(sheet.volatility_index, 4)) == (5.154862, 10.1035)
    assert (sheet.spins_within(0.005), sheet.spins_within(0.01)) == (4_083_252, 1_020_813)
    assert (sheet.win_max, sheet.win_max_ways) == (Fraction(150), 1)


@pytest.mark.parametrize("game", [*GAMES, TWO_LINES], ids=lambda game: f"{game.code}-{game.version}")
def test_what_is_worked_out_from_counts_equals_the_enumeration(game: SlotGame) -> None:
    assert par_sheet_of(game).rtp == exact_rtp(game.reels, game.pays) == game.rtp


def test_a_line_pays_its_longest_run_from_the_first_reel_on() -> None:
    assert TWO_LINES.window((0, 1, 2)) == (("a", "b"), ("b", "c"), ("b", "c"))
    assert TWO_LINES.line_wins((0, 1, 2)) == (LineWin(0, Pay("a", 1, 1)), LineWin(1, Pay("b", 2, 2)))
    assert TWO_LINES.line_wins((1, 1, 2)) == (LineWin(0, Pay("b", 3, 3)), LineWin(1, Pay("b", 2, 2)))
    assert TWO_LINES.line_wins((0, 2, 2)) == (LineWin(0, Pay("a", 1, 1)),)


def test_each_line_has_its_share_of_the_stake() -> None:
    assert TWO_LINES.win_minor((1, 1, 2), 2) == 3 + 2
    assert TWO_LINES.win_minor((1, 1, 2), 200) == 500
    for stake_minor in (0, -2, 3):
        with pytest.raises(InvariantBroken, match="multiple of 2"):
            TWO_LINES.win_minor((1, 1, 2), stake_minor)


@pytest.mark.parametrize("stops", [(), (0, 0), (0, 0, 3), (0, -1, 0)])
def test_reels_stop_nowhere_else(stops: tuple[int, ...]) -> None:
    with pytest.raises(InvariantBroken, match="cannot stop"):
        TWO_LINES.window(stops)


def test_an_outcome_is_a_function_of_the_version_and_the_random_numbers_alone() -> None:
    assert set(inspect.signature(SlotGame.draw).parameters) == {"self", "random"}
    random = FakeRandomNumbers(7, 3, 9)
    assert TRIPLE_BELL.draw(random) == (7, 3, 9)
    assert random.bounds == [10, 10, 10]


MALFORMED = {
    "another return": {"rtp": Fraction(95, 100)},
    "no version": {"version": 0},
    "a line too short": {"lines": ((0, 0),)},
    "a line out of sight": {"lines": ((0, 0, 2),)},
    "a line twice": {"lines": ((0, 0, 0), (0, 0, 0))},
    "no line": {"lines": ()},
    "more rows than stops": {"rows": 4, "lines": ((0, 0, 0),)},
    "a pay of no symbol": {"pays": (*TWO_LINES.pays, Pay("z", 1, 1))},
    "a pay of too many": {"pays": (*TWO_LINES.pays, Pay("a", 4, 1))},
    "two pays of one run": {"pays": (*TWO_LINES.pays, Pay("a", 1, 2))},
    "a pay of nothing": {"pays": (*TWO_LINES.pays, Pay("c", 1, 0))},
    "no reel": {"reels": ()},
}


@pytest.mark.parametrize("wrong", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_game_that_cannot_be_does_not_start(wrong: dict[str, object]) -> None:
    with pytest.raises(GameMalformed, match="two_lines version"):
        replace(TWO_LINES, **wrong)  # type: ignore[arg-type]
