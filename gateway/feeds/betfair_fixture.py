"""What the markets of an exchange event say together of their fixture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.feeds.betfair_cricket import CricketMatch
from gateway.feeds.betfair_definition import MAIN_MARKETS, describe, is_race, own_market_id
from gateway.feeds.betfair_market import ExchangeMarket
from overround.odds.v1.fixture_pb2 import FixtureDescription, FixtureStatus, MatchState, RaceState, RunnerState

PARTICIPANTS_MAX: Final = 2_048
_MAIN_MARKET_IDS: Final = frozenset(MAIN_MARKETS.values())


class ExchangeFixture:
    """An event as its markets show it: each has a definition of its own, and some lag behind the others.

    The market that asks who wins speaks for the fixture, the first one where there is none. How play stands is what the
    furthest of all says, and is never taken back: a side market that is not in play yet would lift the delay of bets.

    Attributes:
        cricket: What the stream of balls tells of it, where it is a cricket match.
    """

    __slots__ = ("_description", "_race", "_speaker", "_status", "_told", "cricket")

    def __init__(self) -> None:
        self._speaker: ExchangeMarket | None = None
        self._description = FixtureDescription()
        self._race = RaceState()
        self._told = MatchState()
        self.cricket = CricketMatch()
        self._status: FixtureStatus.ValueType = FixtureStatus.FIXTURE_STATUS_UNSPECIFIED

    def join(self, market: ExchangeMarket) -> None:
        """Take a market in; a second one of those that a fixture has once gets an id of its own."""
        is_main = market.market_id in _MAIN_MARKET_IDS
        if self._speaker is None or (is_main and self._speaker.market_id not in _MAIN_MARKET_IDS):
            self._speaker = market
        elif is_main:
            market.market_id = own_market_id(market.exchange_id, market.market_type)

    def follow_description(self, market: ExchangeMarket, definition: Mapping[str, Any]) -> FixtureDescription | None:
        """Return what the fixture is where a definition changes it, with the runners of all its markets.

        Raises:
            MessageMalformed: If its start is no time.
        """
        told = describe(market, definition)
        participants = {item.id: item for item in (*self._description.participants, *told.participants)}
        description = told if market is self._speaker else FixtureDescription()
        if market is not self._speaker:
            description.CopyFrom(self._description)
        del description.participants[:]
        description.participants.extend(list(participants.values())[:PARTICIPANTS_MAX])
        return self._described(description)

    def follow_state(self, market: ExchangeMarket, definition: Mapping[str, Any]) -> MatchState | None:
        """Return how play stands where a definition takes it further; the end of what asks who wins is the end.

        Of a race it tells who has been withdrawn, and in the end who won.
        """
        status = FixtureStatus.FIXTURE_STATUS_PRE_MATCH
        if market.is_closed and market.market_id in _MAIN_MARKET_IDS:
            status = FixtureStatus.FIXTURE_STATUS_ENDED
        elif definition.get("inPlay"):
            status = FixtureStatus.FIXTURE_STATUS_IN_PLAY
        race = _race_of(market) if is_race(definition) and market is self._speaker else self._race
        if status <= self._status and race == self._race:
            return None
        self._status, self._race = max(status, self._status), race
        self._told = self._state()
        return self._told

    def follow_cricket(self) -> tuple[FixtureDescription | None, MatchState | None]:
        """Return what the fixture is, and how play stands, where the stream of balls has changed it."""
        description, state = FixtureDescription(), self._state()
        description.CopyFrom(self._description)
        if state == self._told:
            return self._described(description), None
        self._told = state
        return self._described(description), state

    def _described(self, description: FixtureDescription) -> FixtureDescription | None:
        """Return a description with the sides as the stream of balls names them; None where it is known already."""
        sides = self.cricket.home, self.cricket.away
        if None not in sides:
            name_by_id = {side.outcome_id: side.name for side in sides if side is not None}
            description.home_name, description.away_name = name_by_id.values()
            for participant in description.participants:
                participant.name = name_by_id.get(participant.id, participant.name)
        if description == self._description:
            return None
        self._description = description
        return description

    def _state(self) -> MatchState:
        state, cricket = MatchState(status=self._status), self.cricket.state
        if self._race.runners:
            state.race.CopyFrom(self._race)
        if cricket is not None:
            state.home_score, state.away_score = self.cricket.runs
            state.cricket.CopyFrom(cricket)
        elif self._told.HasField("cricket") or self._told.is_score_unknown:
            state.is_score_unknown = True
        return state


def _race_of(market: ExchangeMarket) -> RaceState:
    runners = [
        RunnerState(
            id=runner.outcome_id,
            is_withdrawn=runner.is_removed,
            withdrawn_time_ms=runner.removed_ms,
            position=int(runner.status == "WINNER"),
        )
        for runner in market.runner_by_id.values()
    ]
    return RaceState(runners=runners)
