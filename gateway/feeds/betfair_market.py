"""One exchange market, kept up to date from full images and differences.

What cannot be read costs that part alone, and leaves the market suspended until the part is told anew: the exchange
sends differences only, so that what was missed would stand wrong for good.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from gateway.feeds.betfair_ladder import PRICE_MAX, PRICE_MIN, Ladder
from gateway.feeds.refusals import FeedRefused, MessageMalformed, MessageOversized
from markets.layout import MarketLayout
from odds.fixture.winners import UNKNOWN_WINNERS
from overround.feed.v1.feed_pb2 import Quotes
from overround.odds.v1.book_pb2 import MarketStatus

RUNNERS_MAX: Final = 512
STATUSES: Final[Mapping[str, MarketStatus.ValueType]] = {
    "OPEN": MarketStatus.MARKET_STATUS_OPEN,
    "SUSPENDED": MarketStatus.MARKET_STATUS_SUSPENDED,
    "INACTIVE": MarketStatus.MARKET_STATUS_SUSPENDED,
    "CLOSED": MarketStatus.MARKET_STATUS_CLOSED,
}
_BACK_FIELDS: Final = frozenset({"atb", "batb", "bdatb"})
_LADDER_FIELDS: Final = _BACK_FIELDS | {"atl", "batl", "bdatl"}
_UNKNOWN: Final = MarketStatus.MARKET_STATUS_UNSPECIFIED
_OPEN: Final = MarketStatus.MARKET_STATUS_OPEN
_SUSPENDED: Final = MarketStatus.MARKET_STATUS_SUSPENDED


class Runner:
    """One selection of a market.

    Attributes:
        removed_ms: When it was first seen removed, by the exchange's time; 0 while it was not.
        definition: What the exchange last said it is.
    """

    __slots__ = (
        "_is_last_traded_doubtful",
        "available",
        "best_available",
        "best_displayed",
        "definition",
        "last_traded",
        "name",
        "outcome_id",
        "removed_ms",
        "starting_odds_milli",
        "status",
    )

    def __init__(self, runner_id: int) -> None:
        self.outcome_id = str(runner_id)
        self.name = ""
        self.status = ""
        self.removed_ms = 0
        self.starting_odds_milli = 0
        self.definition: Mapping[str, Any] = {}
        self.clear()

    def clear(self) -> None:
        """Forget all prices: a full image follows."""
        self.last_traded = 0.0
        self._is_last_traded_doubtful = False
        self.available, self.best_available, self.best_displayed = Ladder(), Ladder(), Ladder()

    @property
    def is_removed(self) -> bool:
        """Return whether it takes no part any more: bets on it are void."""
        return self.status.startswith("REMOVED")

    @property
    def is_doubtful(self) -> bool:
        """Return whether a price of it that would be shown could not be read."""
        if self.status != "ACTIVE":
            return False
        ladders = self.best_displayed, self.best_available, self.available
        return self._is_last_traded_doubtful or any(ladder.is_doubtful for ladder in ladders)

    def define(self, item: Mapping[str, Any], time_ms: int) -> bool:
        """Take what the exchange says it is; return whether that could be read."""
        self.definition = item
        self.name = self.name or str(item.get("name") or "")
        status = item.get("status")
        self.status = status if isinstance(status, str) else ""
        if self.is_removed and not self.removed_ms:
            self.removed_ms = max(1, time_ms)
        starting_price = item.get("bsp")
        if isinstance(starting_price, int | float) and PRICE_MIN <= starting_price <= PRICE_MAX:
            self.starting_odds_milli = int(starting_price * 1000 + 0.5)
        return bool(self.status)

    def apply(self, change: Mapping[str, Any]) -> bool:
        """Take a difference; return whether all of it could be read."""
        is_read = True
        if "atb" in change:
            is_read &= self.available.set_sizes(change["atb"])
        if "batb" in change:
            is_read &= self.best_available.set_levels(change["batb"])
        if "bdatb" in change:
            is_read &= self.best_displayed.set_levels(change["bdatb"])
        last_traded = change.get("ltp")
        if last_traded is not None:
            is_price = isinstance(last_traded, int | float) and (PRICE_MIN <= last_traded <= PRICE_MAX)
            # The exchange says 0 for a runner nobody traded yet.
            self._is_last_traded_doubtful = not is_price and last_traded != 0
            self.last_traded = last_traded if is_price else 0.0
            is_read &= not self._is_last_traded_doubtful
        return is_read

    def odds_milli(self, *, has_ladders: bool) -> int:
        """Return the best price to back at, times 1000; the last traded one where the feed carries no ladders."""
        if self.status != "ACTIVE":
            return 0
        if not has_ladders:
            return int(self.last_traded * 1000 + 0.5)
        best = self.best_displayed.best or self.best_available.best or self.available.best
        return int(best * 1000 + 0.5)


class ExchangeMarket:
    """A market as the exchange shows it; its runners keep the order in which they were first named.

    Prices of a runner that no definition named yet are kept aside until one does.

    Attributes:
        place_count: How many runners win; 0 for as many as do, None where the exchange does not say.
    """

    def __init__(self, *, market_id: str, market_type: str, exchange_id: str, fixture_id: str) -> None:
        self.market_id = market_id
        self.market_type = market_type
        self.exchange_id = exchange_id
        self.fixture_id = fixture_id
        self.place_count: int | None = None
        self.time_ms = 0
        self.status: MarketStatus.ValueType = MarketStatus.MARKET_STATUS_UNSPECIFIED
        self.runner_by_id: dict[int, Runner] = {}
        self._unnamed_by_id: dict[int, Runner] = {}
        self._is_definition_doubtful = False
        self._is_change_doubtful = False
        self._may_runners_be_doubtful = False
        self._has_ladders = False
        self._runners_shown: list[Runner] = []
        self._template = Quotes()
        self._template_number = 0
        self._starting_odds_milli = b""
        self._may_have_changed = True
        self._published: tuple[object, ...] | None = None

    def define(self, definition: Mapping[str, Any]) -> Iterator[FeedRefused]:
        """Take a market definition; yield what of it could not be read."""
        yield from self._define_status(definition)
        yield from self._define_places(definition)
        yield from self._define_runners(definition)
        self._may_runners_be_doubtful = True  # one that was in doubt while it took no part may take part again
        self._lay_out()

    @property
    def is_closed(self) -> bool:
        """Return whether it takes no more bets."""
        return self.status == MarketStatus.MARKET_STATUS_CLOSED

    def clear(self) -> None:
        """Forget all prices: a full image follows."""
        self._is_change_doubtful = False
        self._may_have_changed = True
        self._unnamed_by_id.clear()
        for runner in self.runner_by_id.values():
            runner.clear()

    def doubt(self) -> None:
        """Note that a change of it could not be read at all, so that only a full image tells what it is like."""
        self._is_change_doubtful = True
        self._may_have_changed = True

    def take_definition(self, *, is_doubtful: bool) -> None:
        """Note that its newest definition was read, and whether something in it could not be."""
        self._is_definition_doubtful = is_doubtful
        self._may_have_changed = True

    def apply(self, changes: Any) -> Sequence[FeedRefused]:
        """Take the differences of its runners; return what of them could not be read."""
        if not isinstance(changes, list):
            self.doubt()
            return [MessageMalformed(f"Runner changes must be a list, were {type(changes).__name__}")]
        refusals: list[FeedRefused] = []
        for change in changes:
            runner_id, line = (change.get("id"), change.get("hc")) if isinstance(change, dict) else (None, None)
            if line and isinstance(line, int | float):
                continue  # a line of a handicap market
            runner = self.runner_by_id.get(runner_id) if type(runner_id) is int else None
            if runner is None:
                runner = self._unnamed(runner_id)
            if line or runner is None:
                self.doubt()
                refusals.append(
                    MessageMalformed(
                        f"A change must be of one of at most {RUNNERS_MAX} runners, was of {str(runner_id)[:32]!r}"
                    )
                )
                continue
            if not runner.apply(change):
                self._may_runners_be_doubtful = True
                refusals.append(
                    MessageMalformed(
                        f"Prices of runner {runner.outcome_id} must be {PRICE_MIN} to {PRICE_MAX:.0f}, with sizes"
                    )
                )
            if not self._has_ladders:
                self._has_ladders = not _LADDER_FIELDS.isdisjoint(change)
                self._may_have_changed = True
            elif self._may_runners_be_doubtful or not _BACK_FIELDS.isdisjoint(change):
                self._may_have_changed = True
        return refusals

    def changed_quotes(self) -> Quotes | None:
        """Return the prices where they differ from the last ones returned."""
        if not self._may_have_changed:
            return None
        self._may_have_changed = False
        has_ladders = self._has_ladders
        prices = [runner.odds_milli(has_ladders=has_ladders) for runner in self._runners_shown]
        odds_milli = struct.pack(f"<{len(prices)}I", *prices)
        status = self._shown_status(has_prices=any(prices))
        shown = (status, odds_milli, self._starting_odds_milli, self._template_number)
        if shown == self._published:
            return None
        self._published = shown
        quotes = Quotes()
        quotes.CopyFrom(self._template)
        quotes.market_statuses = bytes((status,))
        quotes.decimal_odds_milli = odds_milli
        quotes.starting_odds_milli = self._starting_odds_milli
        return quotes

    def _shown_status(self, *, has_prices: bool) -> MarketStatus.ValueType:
        if self.status == _UNKNOWN or (self.status == _OPEN and has_prices and self._is_doubtful()):
            return _SUSPENDED
        return self.status

    def _is_doubtful(self) -> bool:
        if self._may_runners_be_doubtful:
            self._may_runners_be_doubtful = any(runner.is_doubtful for runner in self.runner_by_id.values())
        return self._is_definition_doubtful or self._is_change_doubtful or self._may_runners_be_doubtful

    def _define_status(self, definition: Mapping[str, Any]) -> Iterator[FeedRefused]:
        text = definition.get("status")
        status = STATUSES.get(text) if isinstance(text, str) else None
        if status is None:
            yield MessageMalformed(f"Market status must be one of {', '.join(STATUSES)}, was {str(text)[:32]!r}")
        else:
            self.status = status

    def _define_places(self, definition: Mapping[str, Any]) -> Iterator[FeedRefused]:
        count = definition.get("numberOfWinners", self.place_count)
        is_count = type(count) is int and 0 <= count <= RUNNERS_MAX
        self.place_count = count if is_count else None
        if count is not None and not is_count:
            yield MessageMalformed(f"Winners must be a number up to {RUNNERS_MAX}, were {str(count)[:32]!r}")

    def _define_runners(self, definition: Mapping[str, Any]) -> Iterator[FeedRefused]:
        items = definition.get("runners")
        if not isinstance(items, list):
            yield MessageMalformed(f"Runners must be a list, were {type(items).__name__}")
            return
        if len(items) > RUNNERS_MAX:
            yield MessageOversized(f"A market has at most {RUNNERS_MAX} runners, had {len(items)}")
            return
        for item in sorted(items, key=_sort_priority):
            runner_id = item.get("id") if isinstance(item, dict) else None
            if runner_id is not None and item.get("hc"):
                continue  # a line of a handicap market
            runner = self._named(runner_id)
            if runner is None or not runner.define(item, self.time_ms):
                yield MessageMalformed(
                    f"A runner must be one of at most {RUNNERS_MAX} and have a status, was {str(item)[:128]}"
                )

    def _named(self, runner_id: Any) -> Runner | None:
        if type(runner_id) is not int:
            return None
        runner = self.runner_by_id.get(runner_id)
        if runner is None and len(self.runner_by_id) < RUNNERS_MAX:
            runner = self._unnamed_by_id.pop(runner_id, None) or Runner(runner_id)
            self.runner_by_id[runner_id] = runner
        return runner

    def _unnamed(self, runner_id: Any) -> Runner | None:
        if type(runner_id) is not int:
            return None
        runner = self._unnamed_by_id.get(runner_id)
        if runner is None and len(self._unnamed_by_id) < RUNNERS_MAX:
            runner = self._unnamed_by_id[runner_id] = Runner(runner_id)
        return runner

    def _lay_out(self) -> None:
        """Show all runners; where several win those alone that still take part, as each must have a price there."""
        has_one_place = self.place_count == 1
        shown = [runner for runner in self.runner_by_id.values() if has_one_place or not runner.is_removed]
        starting_odds_milli = [runner.starting_odds_milli for runner in shown]
        self._starting_odds_milli = (
            struct.pack(f"<{len(shown)}I", *starting_odds_milli) if any(starting_odds_milli) else b""
        )
        winner_counts = bytes((min(self.place_count or UNKNOWN_WINNERS, UNKNOWN_WINNERS),))
        if shown == self._runners_shown and winner_counts == self._template.winner_counts:
            return
        self._runners_shown = shown
        self._template_number += 1
        layout = MarketLayout.of_markets([(self.market_id, [runner.outcome_id for runner in shown])])
        self._template = Quotes(
            layout_hash=layout.layout_hash,
            market_ids=layout.market_ids,
            outcome_counts=layout.outcome_counts.tobytes(),
            outcome_ids=layout.outcome_ids,
            winner_counts=winner_counts,
        )


def _sort_priority(item: Any) -> int:
    priority = item.get("sortPriority") if isinstance(item, dict) else None
    return priority if isinstance(priority, int) else 0
