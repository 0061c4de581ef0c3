"""How markets of a tennis match came out, by its sets.

Of one that was not played to its end, what no further game could have changed stands, and the rest is void.
"""

from __future__ import annotations

from typing import Final

from markets.catalogue import market_of
from markets.contests import AWAY, HOME, OVER, UNDER
from markets.fixture import FixtureStatus, MatchState
from markets.results import MarketResult
from markets.sports.tennis import (
    GAMES_HANDICAP,
    SET_BETTING,
    SET_WINNER,
    SETS_HANDICAP,
    TOTAL_GAMES,
    TOTAL_SETS,
    TennisState,
)
from odds.models.line_markets import decide_line, void, won_by
from odds.models.tennis.live import finished_sets, rules_of

SET_NOT_PLAYED: Final = "SET_NOT_PLAYED"
MATCH_NOT_FINISHED: Final = "MATCH_NOT_FINISHED"


def certain_end(state: MatchState | None) -> MatchState | None:
    """Return the state of a match that is over, and whose sets tell for certain how; None for any other."""
    if state is None or (rules := rules_of(state)) is None:
        return None
    sets = finished_sets(state)
    if state.status is FixtureStatus.ENDED:
        is_won = max(state.home_score, state.away_score) == rules.sets_to_win and len(sets) > 0
        return state if is_won and state.home_score != state.away_score else None
    is_told = len(sets) == state.home_score + state.away_score
    return state if state.status is FixtureStatus.CANCELLED and is_told else None


def decide(market_id: str, outcome_ids: tuple[str, ...], end: MatchState) -> MarketResult | None:
    """Return how a market came out by a certain end; None for one that sets do not settle."""
    market, is_whole = market_of(market_id), end.status is FixtureStatus.ENDED
    if market.name == SET_WINNER and market.line is not None:
        return _decide_set(market_id, outcome_ids, int(market.line), end)
    if market.name == SET_BETTING:
        won = f"{end.home_score}-{end.away_score}"
        return won_by(market_id, outcome_ids, won) if is_whole else void(market_id, MATCH_NOT_FINISHED)
    counted = _counted(end, market.name)
    if counted is None or market.line is None:
        return None
    amount, is_total = counted
    if not is_whole and not (is_total and amount > market.line):
        return void(market_id, MATCH_NOT_FINISHED)
    distance, sides = (amount - market.line, (OVER, UNDER)) if is_total else (amount + market.line, (HOME, AWAY))
    return decide_line(market_id, outcome_ids, distance, sides)


def _decide_set(market_id: str, outcome_ids: tuple[str, ...], number: int, end: MatchState) -> MarketResult:
    sets = finished_sets(end)
    if not 1 <= number <= len(sets):
        return void(market_id, SET_NOT_PLAYED if end.status is FixtureStatus.ENDED else MATCH_NOT_FINISHED)
    played = sets[number - 1]
    return decide_line(market_id, outcome_ids, played.home - played.away, (HOME, AWAY))


def _counted(end: MatchState, name: str) -> tuple[int, bool] | None:
    """Return what a line is about: how many in all, or how many more of the first-named player's."""
    played = end.sport.sets if isinstance(end.sport, TennisState) else ()
    home, away = sum(item.home for item in played), sum(item.away for item in played)
    counts = {
        TOTAL_SETS: (end.home_score + end.away_score, True),
        TOTAL_GAMES: (home + away, True),
        SETS_HANDICAP: (end.home_score - end.away_score, False),
        GAMES_HANDICAP: (home - away, False),
    }
    return counts.get(name)
