"""Fold what has come for a fixture into its state, and say once of each word what of it counts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

import structlog
from faust.types import EventT
from prometheus_client import Counter

from kernel.clock import Clock
from markets.layout import MARKETS_MAX
from odds.fixture.state import FixtureState
from odds.fixture.updates import FixtureUpdate, Quotes, TraderCommand
from odds.folding.fold import fold, follow_trader, is_late, suspend_for
from odds.folding.provider_rights import WORDS_BY_REASON, Judgement, RightsTable, judge_update
from odds.folding.stops import stop_all
from overround.feed.v1 import feed_pb2
from streams.dead_letters import AGENT_ERROR, DeadLetters
from streams.pricing_inputs import Input, Waiting
from streams.seldom import Seldom
from wire.feed import NO_RIGHT, build_results

MUTED_INTERVAL_S: Final = 60.0
MUTED_MAX: Final = 10_000

FOLDED = Counter("overround_pricing_updates_folded", "Feed updates and commands folded in.")
DUPLICATES = Counter("overround_pricing_duplicates", "Feed updates and commands that were folded in before.")
REFUSED = Counter(
    "overround_pricing_words_refused", "Updates that a provider had no right to send.", ["provider", "reason"]
)
REFERRED = Counter(
    "overround_pricing_results_referred", "Results that a person has to look at first.", ["provider", "reason"]
)
LEFT_OUT = Counter("overround_pricing_markets_left_out", "New markets that had no room in the layout of their fixture.")

log = structlog.get_logger(__name__)


class Aside:
    """Keeps events aside, and nobody waits for it."""

    def __init__(self, dead_letters: DeadLetters) -> None:
        self._dead_letters = dead_letters
        self._tasks: set[asyncio.Task[None]] = set()

    def keep(self, events: Iterable[EventT[bytes]], *, reason: str, message: str) -> None:
        """Bury events with why."""
        for event in events:
            task = asyncio.ensure_future(self._dead_letters.bury(event, reason=reason, message=message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


class Folding:
    """Folds by the table of rights; whatever an update holds, what of it suspends is folded in."""

    def __init__(self, rights: RightsTable, clock: Clock, aside: Aside) -> None:
        self._rights = rights
        self._clock = clock
        self._aside = aside
        self._muted = Seldom(clock, interval_s=MUTED_INTERVAL_S, keys_max=MUTED_MAX)

    def fold(self, state: FixtureState, waiting: Waiting) -> FixtureState:
        """Return the state after all that waits; notes with it what was folded in before, and results to forward."""
        for event, told in list(waiting.inputs):
            judgement = None if isinstance(told, TraderCommand) else self._judge(state, event, told, waiting)
            if judgement is not None and judgement.refusal:
                continue
            try:
                following = self._fold_one(state, told, judgement)
            except Exception as error:  # whatever the update holds: what of it suspends must hold
                log.exception("pricing.fold_failed", fixture_id=state.fixture_id)
                self._aside.keep([event], reason=AGENT_ERROR, message=repr(error))
                following = self._suspend_for(state, told)
            waiting.is_repeated |= following is state
            state = following
            if isinstance(told, FixtureUpdate) and told.quotes is not None:
                _count_left_out(state, told.quotes)
        return state

    def _suspend_for(self, state: FixtureState, told: Input) -> FixtureState:
        try:
            if isinstance(told, FixtureUpdate):
                return suspend_for(state, told, self._rights)
        except Exception:  # then the state itself is at fault
            log.exception("pricing.suspension_failed", fixture_id=state.fixture_id)
        return stop_all(state, self._clock.now_us())

    def _judge(self, state: FixtureState, event: EventT[bytes], told: FixtureUpdate, waiting: Waiting) -> Judgement:
        """Say what of an update counts; refer the results that do not, and keep a word aside that does not at all."""
        judgement = judge_update(state, told, self._rights)
        if event in waiting.judged:
            return judgement
        waiting.judged.append(event)
        if told.result_marks and not is_late(state, told):
            update = feed_pb2.FeedUpdate.FromString(event.message.value or b"")
            waiting.results.append(build_results(update, judgement.referral_reasons).SerializeToString())
            for reason in filter(None, judgement.referral_reasons):
                REFERRED.labels(told.provider_id, reason).inc()
        for reason in judgement.refusals_of(told):
            REFUSED.labels(told.provider_id, reason).inc()
            if not judgement.refusal and not self._muted.is_due((told.provider_id, told.fixture_id, reason)):
                continue  # what the table of rights mutes comes with every update
            message = f"{reason}: {told.provider_id} about {told.fixture_id}: {WORDS_BY_REASON[reason]}"
            self._aside.keep([event], reason=NO_RIGHT, message=message)
        return judgement

    def _fold_one(self, state: FixtureState, told: Input, judgement: Judgement | None) -> FixtureState:
        if isinstance(told, TraderCommand):
            following = follow_trader(state, told)
        else:
            following = fold(state, told, self._rights, judgement)
        (DUPLICATES if following is state else FOLDED).inc()
        return following


def _count_left_out(state: FixtureState, quotes: Quotes) -> None:
    if state.layout.market_count + quotes.layout.market_count > MARKETS_MAX:
        LEFT_OUT.inc(len(set(quotes.layout.market_ids) - state.layout.index_by_market_id.keys()))
