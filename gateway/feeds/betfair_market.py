"""One exchange market, kept up to date from full images and deltas."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.feeds.refusals import MessageMalformed, MessageOversized
from odds.layout import MarketLayout
from overround.feed.v1.feed_pb2 import Quotes
from overround.odds.v1.book_pb2 import MarketStatus

RUNNERS_MAX: Final = 512
LADDER_LEVELS_MAX: Final = 1_024
PRICE_MAX: Final = 1_000.0
STATUSES: Final[Mapping[str, MarketStatus.ValueType]] = {
    "OPEN": MarketStatus.MARKET_STATUS_OPEN,
    "SUSPENDED": MarketStatus.MARKET_STATUS_SUSPENDED,
    "INACTIVE": MarketStatus.MARKET_STATUS_SUSPENDED,
    "CLOSED": MarketStatus.MARKET_STATUS_CLOSED,
}


class Ladder:
    """Prices at which the exchange lets people back, with the size at each; the highest is the best."""

    __slots__ = ("_price_by_level", "_size_by_price", "best")

    def __init__(self) -> None:
        self.best = 0.0
        self._size_by_price: dict[float, float] = {}
        self._price_by_level: dict[int, float] = {}

    def set_sizes(self, deltas: Sequence[Sequence[float]]) -> None:
        """Take [price, size] deltas; a size of 0 removes the price."""
        sizes = self._size_by_price
        for price, size in deltas:
            if size > 0:
                sizes[_checked(price)] = size
                self.best = max(self.best, price)
            elif sizes.pop(price, None) is not None and price == self.best:
                self.best = max(sizes, default=0.0)
        if len(sizes) > LADDER_LEVELS_MAX:
            raise MessageOversized(f"A ladder has at most {LADDER_LEVELS_MAX} levels, had {len(sizes)}")

    def set_levels(self, deltas: Sequence[Sequence[float]]) -> None:
        """Take [level, price, size] deltas; a size of 0 empties the level."""
        prices = self._price_by_level
        for level, price, size in deltas:
            if size > 0:
                prices[int(level)] = _checked(price)
            else:
                prices.pop(int(level), None)
        if len(prices) > LADDER_LEVELS_MAX:
            raise MessageOversized(f"A ladder has at most {LADDER_LEVELS_MAX} levels, had {len(prices)}")
        self.best = max(prices.values(), default=0.0)


@dataclass(slots=True)
class Runner:
    """One selection of a market."""

    outcome_id: str
    name: str
    status: str = "ACTIVE"
    starting_odds_milli: int = 0
    last_traded: float = 0.0
    available: Ladder = field(default_factory=Ladder)
    best_available: Ladder = field(default_factory=Ladder)
    best_displayed: Ladder = field(default_factory=Ladder)

    def clear(self) -> None:
        """Forget all prices: a full image follows."""
        self.last_traded = 0.0
        self.available, self.best_available, self.best_displayed = Ladder(), Ladder(), Ladder()

    def apply(self, change: Mapping[str, Any]) -> bool:
        """Take a delta; return whether it had a ladder in it."""
        has_ladder = False
        if "atb" in change:
            self.available.set_sizes(change["atb"])
            has_ladder = True
        if "batb" in change:
            self.best_available.set_levels(change["batb"])
            has_ladder = True
        if "bdatb" in change:
            self.best_displayed.set_levels(change["bdatb"])
            has_ladder = True
        last_traded = change.get("ltp")
        if last_traded is not None:
            self.last_traded = _checked(last_traded)
        return has_ladder or "atl" in change or "batl" in change or "bdatl" in change

    def odds_milli(self, *, has_ladders: bool) -> int:
        """Return the best price to back at, times 1000; the last traded one where the feed carries no ladders."""
        if self.status != "ACTIVE":
            return 0
        if not has_ladders:
            return int(self.last_traded * 1000 + 0.5)
        best = self.best_displayed.best or self.best_available.best or self.available.best
        return int(best * 1000 + 0.5)


class ExchangeMarket:
    """A market as the exchange shows it; its runners keep the order in which they were first named."""

    def __init__(self, *, market_id: str, exchange_id: str, fixture_id: str) -> None:
        self.market_id = market_id
        self.exchange_id = exchange_id
        self.fixture_id = fixture_id
        self.time_ms = 0
        self.status: MarketStatus.ValueType = MarketStatus.MARKET_STATUS_UNSPECIFIED
        self.runner_by_id: dict[int, Runner] = {}
        self._has_ladders = False
        self._template = Quotes()
        self._published: tuple[int, bytes, bytes] | None = None

    def define(self, definition: Mapping[str, Any]) -> None:
        """Take a market definition.

        Raises:
            MessageMalformed: If the status is none.
            MessageOversized: If it has too many runners.
        """
        status = STATUSES.get(definition["status"])
        if status is None:
            raise MessageMalformed(f"Market status must be one of {', '.join(STATUSES)}, was {definition['status']!r}")
        runners = definition["runners"]
        if len(runners) > RUNNERS_MAX:
            raise MessageOversized(f"A market has at most {RUNNERS_MAX} runners, had {len(runners)}")
        known_count = len(self.runner_by_id)
        for item in sorted(runners, key=lambda item: int(item.get("sortPriority", 0))):
            self._define_runner(item)
        self.status = status
        if len(self.runner_by_id) != known_count:
            self._lay_out()

    def clear(self) -> None:
        """Forget all prices: a full image follows."""
        for runner in self.runner_by_id.values():
            runner.clear()

    def apply(self, changes: Sequence[Mapping[str, Any]]) -> None:
        """Take the deltas of its runners.

        Raises:
            MessageMalformed: If one is of a runner that the definition does not name.
        """
        for change in changes:
            if change.get("hc"):
                continue  # a line of a handicap market
            runner = self.runner_by_id.get(change["id"])
            if runner is None:
                raise MessageMalformed(f"Runner must be in the market definition, was {change['id']!r}")
            if runner.apply(change):
                self._has_ladders = True

    def changed_quotes(self) -> Quotes | None:
        """Return the prices where they differ from the last ones returned."""
        runners = self.runner_by_id.values()
        has_ladders = self._has_ladders
        odds_milli = struct.pack(
            f"<{len(runners)}I", *[runner.odds_milli(has_ladders=has_ladders) for runner in runners]
        )
        starting_odds_milli = self._starting_odds_milli()
        shown = (self.status, odds_milli, starting_odds_milli)
        if shown == self._published:
            return None
        self._published = shown
        quotes = Quotes()
        quotes.CopyFrom(self._template)
        quotes.market_statuses = bytes((self.status,))
        quotes.decimal_odds_milli = odds_milli
        quotes.starting_odds_milli = starting_odds_milli
        return quotes

    def _starting_odds_milli(self) -> bytes:
        odds_milli = [runner.starting_odds_milli for runner in self.runner_by_id.values()]
        return struct.pack(f"<{len(odds_milli)}I", *odds_milli) if any(odds_milli) else b""

    def _define_runner(self, item: Mapping[str, Any]) -> None:
        runner_id = item["id"]
        runner = self.runner_by_id.get(runner_id)
        if runner is None:
            if not isinstance(runner_id, int) or len(self.runner_by_id) >= RUNNERS_MAX:
                raise MessageMalformed(f"Runner id must be one of at most {RUNNERS_MAX} numbers, was {runner_id!r}")
            runner = Runner(str(runner_id), str(item.get("name", "")))
            self.runner_by_id[runner_id] = runner
        runner.status = str(item["status"])
        starting_price = item.get("bsp")
        if isinstance(starting_price, int | float) and starting_price > 1:
            runner.starting_odds_milli = int(_checked(starting_price) * 1000 + 0.5)

    def _lay_out(self) -> None:
        outcome_ids = [runner.outcome_id for runner in self.runner_by_id.values()]
        layout = MarketLayout.of_markets([(self.market_id, outcome_ids)])
        self._template = Quotes(
            layout_hash=layout.layout_hash,
            market_ids=layout.market_ids,
            outcome_counts=layout.outcome_counts.tobytes(),
            outcome_ids=layout.outcome_ids,
        )


def _checked(price: float) -> float:
    if not 1 < price <= PRICE_MAX:
        raise MessageMalformed(f"Price must be above 1 and at most {PRICE_MAX:.0f}, was {price!r}")
    return price
