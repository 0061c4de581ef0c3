"""Every market of the catalogue, and every way in which it can come out: told by the game, not by the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import chain, combinations

import numpy as np

from markets.catalogue import TYPES, market_of
from markets.football.selections import HALF_LINES, MATCH_LINES, score_selections
from odds.models.football.catalogue import catalogue as football_catalogue

RUNNERS = ("1", "2", "3", "4")
DOUBLE_CHANCES = ("betfair:DOUBLE_CHANCE:1.1", "uof:10:x=1", "uof:63:x=1", "uof:85:x=1")
"""Two of three win, whatever a feed calls it or them."""
PLACES = {"place_2": 2, "place_3": 3, "place_4": 4}
"""So many runners are placed, dead heats shared."""
GOALS_MAX = 9

Parts = tuple[float, float]
"""Which part of a stake wins, and which is handed back."""
Result = dict[str, Parts]


@cache
def results_by_market() -> dict[str, tuple[Result, ...]]:
    """Return the ways to come out of each market that football is priced by, and of one of each other type and name."""
    results = {market_id: tuple(_distinct(of_market)) for market_id, of_market in _by_scores().items()}
    layout = football_catalogue().layout
    for index, market_id in enumerate(layout.market_ids):
        results.setdefault(market_id, _one_wins(layout.outcome_ids_of(index)))
    others = [known.type_id for known in TYPES if not any(market_of(name).type is known for name in results)]
    results |= {name: _feeds_results(name) for name in (*others, *_feed_names())}
    return results | {"nobody_knows": _any_win(RUNNERS), "uof:99999": _any_win(RUNNERS)}


def _feed_names() -> Iterator[str]:
    for known in TYPES:
        yield from (f"betfair:{name.replace('#', '25')}:1.1" for name in known.exchange)
        yield from (f"uof:{name.number}:x=1" for name in known.uof)


def _feeds_results(name: str) -> tuple[Result, ...]:
    if name in DOUBLE_CHANCES:
        return _so_many_win(RUNNERS[:3], 2)
    if name in PLACES:
        return _so_many_win(RUNNERS, PLACES[name])
    return _any_win(RUNNERS) if "place" in name.lower() else _one_wins(RUNNERS)


def _by_scores() -> dict[str, list[Result]]:
    home, away = (goals.ravel() for goals in np.mgrid[0 : GOALS_MAX + 1, 0 : GOALS_MAX + 1])
    markets: dict[str, list[Result]] = {}
    for prefix, lines in (("", MATCH_LINES), ("first_half_", HALF_LINES), ("second_half_", HALF_LINES)):
        for selection in score_selections(home, away, lines, prefix=prefix):
            results = markets.setdefault(selection.market_id, [{} for _ in home])
            for result, win, lose in zip(results, selection.win.tolist(), selection.lose.tolist(), strict=True):
                result[selection.outcome_id] = (win, 1.0 - win - lose)
    return markets


def _distinct(results: list[Result]) -> Iterator[Result]:
    yield from {tuple(result.items()): result for result in results}.values()


def _one_wins(outcome_ids: tuple[str, ...]) -> tuple[Result, ...]:
    return tuple(_won(outcome_ids, {winner}) for winner in outcome_ids)


def _so_many_win(outcome_ids: tuple[str, ...], count: int) -> tuple[Result, ...]:
    return tuple(_won(outcome_ids, set(winners)) for winners in combinations(outcome_ids, count))


def _any_win(outcome_ids: tuple[str, ...]) -> tuple[Result, ...]:
    counts = range(len(outcome_ids) + 1)
    winners = chain.from_iterable(combinations(outcome_ids, count) for count in counts)
    return tuple(_won(outcome_ids, set(together)) for together in winners)


def _won(outcome_ids: tuple[str, ...], winners: set[str]) -> Result:
    return {outcome_id: (1.0 if outcome_id in winners else 0.0, 0.0) for outcome_id in outcome_ids}
