"""What is left of an update of which a part is refused: the sound rest, and a stop of what it could leave stale.

One bad part costs that part alone. A market whose prices or result are refused takes no bets until the provider quotes
it again. No market of the fixture does where it cannot be told which ones a part was about; nor where the state of the
match is refused, before the provider tells one that can be taken.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from gateway.feeds.quote_sieve import sift_markets
from gateway.feeds.refusals import FeedRefused, MessageMalformed, MessageOversized
from gateway.feeds.validation import (
    NAME_LENGTH_MAX,
    UPDATE_BYTES_MAX,
    UpdateValidator,
    check_bet_stop,
    check_count_of_results,
    check_description,
    check_id,
    check_place,
    check_result,
    check_starting_odds,
    check_state,
    check_time,
)
from overround.feed.v1.feed_pb2 import FeedUpdate

REFUSALS_TOLD_MAX: Final = 16
_BY_EXPENDABILITY: Final = ("quotes", "description", "bet_stop", "results")


class UpdateSieve:
    """Checks updates, and takes apart those that are not right."""

    def __init__(self) -> None:
        self._validator = UpdateValidator()

    def sift(self, update: FeedUpdate) -> tuple[FeedUpdate, tuple[FeedRefused, ...]]:
        """Return what may be taken of an update, and why the rest is refused; the same object if all of it may.

        Raises:
            FeedRefused: If it cannot be told which fixture it is about, or where it stands in its stream.
        """
        try:
            self._validator.check(update)
        except FeedRefused:
            check_place(update)
            return _Sifting(update).run()
        return update, ()


class _Sifting:
    """An update that is taken apart."""

    def __init__(self, update: FeedUpdate) -> None:
        self._left = FeedUpdate()
        self._left.CopyFrom(update)
        self._refusals: list[FeedRefused] = []
        self._stopped: dict[str, None] = {}
        self._is_all_stopped = False

    def run(self) -> tuple[FeedUpdate, tuple[FeedRefused, ...]]:
        left = self._left
        self._sift_size()
        if not self._passes(partial(check_time, left)):
            left.provider_time_ms = 0
        self._sift_description()
        if left.HasField("state") and not self._passes(partial(check_state, left.state), "state"):
            left.ClearField("state")
            left.is_state_refused = True
        if left.HasField("bet_stop") and not self._passes(partial(check_bet_stop, left.bet_stop), "bet_stop"):
            self._is_all_stopped = True
        self._sift_quotes()
        self._sift_results()
        self._stop()
        return left, self._told()

    def _passes(self, check: Callable[[], None], part: str = "") -> bool:
        try:
            check()
        except FeedRefused as refusal:
            self._refusals.append(type(refusal)(f"{part}: {refusal.message}" if part else refusal.message))
            return False
        return True

    def _sift_size(self) -> None:
        size = self._left.ByteSize()
        for part in _BY_EXPENDABILITY:
            if self._left.ByteSize() <= UPDATE_BYTES_MAX:
                return
            self._left.ClearField(part)
            self._is_all_stopped = True
            self._refusals.append(
                MessageOversized(f"{part}: An update has at most {UPDATE_BYTES_MAX} bytes, had {size}")
            )

    def _sift_description(self) -> None:
        """Cut names that are too long; where more than that is wrong nothing of the description is left."""
        description = self._left.description
        if not self._left.HasField("description"):
            return
        if self._passes(partial(check_description, description), "description"):
            return
        for described in (description, *description.participants):
            for field, value in described.ListFields():
                if isinstance(value, str) and field.name != "id":
                    setattr(described, field.name, value[:NAME_LENGTH_MAX])
        try:
            check_description(description)
        except FeedRefused:
            self._left.ClearField("description")
            self._is_all_stopped = True

    def _sift_quotes(self) -> None:
        quotes = self._left.quotes
        if not self._left.HasField("quotes"):
            return
        if not self._passes(partial(check_starting_odds, quotes), "quotes"):
            quotes.ClearField("starting_odds_milli")
        try:
            sifted = sift_markets(quotes)
        except FeedRefused as refusal:
            self._refusals.append(type(refusal)(f"quotes: {refusal.message}"))
            self._left.ClearField("quotes")
            self._is_all_stopped = True
            return
        self._refusals.extend(sifted.refusals)
        self._stopped.update(dict.fromkeys(sifted.suspended_market_ids))
        quotes.CopyFrom(sifted.quotes)

    def _sift_results(self) -> None:
        results = list(self._left.results)
        is_few = self._passes(partial(check_count_of_results, self._left), "results")
        self._left.ClearField("results")
        self._is_all_stopped |= not is_few
        for result in results if is_few else ():
            if self._passes(partial(check_result, result), f"result of {result.market_id[:64]}"):
                self._left.results.append(result)
            else:
                self._stop_market(result.market_id)

    def _stop_market(self, market_id: str) -> None:
        """Stop a market; all of them if it is one that cannot be."""
        try:
            check_id(market_id, "market_id")
        except FeedRefused:
            self._is_all_stopped = True
        else:
            self._stopped[market_id] = None

    def _stop(self) -> None:
        """Add what is to be stopped to what the provider stops itself; a stop that names no market is one of all."""
        bet_stop = self._left.bet_stop
        if self._is_all_stopped:
            bet_stop.Clear()
            bet_stop.SetInParent()
        elif self._stopped and not (self._left.HasField("bet_stop") and not bet_stop.market_ids):
            bet_stop.market_ids.extend(market_id for market_id in self._stopped if market_id not in bet_stop.market_ids)

    def _told(self) -> tuple[FeedRefused, ...]:
        more = len(self._refusals) - REFUSALS_TOLD_MAX
        told = self._refusals[:REFUSALS_TOLD_MAX]
        return (*told, MessageMalformed(f"{more} more parts are refused")) if more > 0 else tuple(told)
