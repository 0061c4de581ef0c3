"""What providers may decide: rights as data, and what of an update counts by them.

A provider is heard about fixtures that it quotes. Who never did is a stranger: nothing of what he says counts, but a
result, which is money, goes to a person. The products of one feed ("uof:1", "uof:3") speak with one voice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from markets.fixture import FixtureStatus
from markets.results import ResultKind
from odds.fixture.book import ProviderColumns, ResultWord
from odds.fixture.state import FixtureState
from odds.fixture.updates import FixtureUpdate, ResultMark

HOUSE: Final = "house"
FIXTURE_NOT_QUOTED: Final = "FIXTURE_NOT_QUOTED"
MARKET_NOT_QUOTED: Final = "MARKET_NOT_QUOTED"
NOTHING_PERMITTED: Final = "NOTHING_PERMITTED"
SETTLING_NOT_PERMITTED: Final = "SETTLING_NOT_PERMITTED"
CANCELLING_NOT_PERMITTED: Final = "CANCELLING_NOT_PERMITTED"
MARKET_OF_ANOTHER_PROVIDER: Final = "MARKET_OF_ANOTHER_PROVIDER"
BETTER_RANKED_PROVIDER: Final = "BETTER_RANKED_PROVIDER"
OTHER_RESULT_STANDS: Final = "OTHER_RESULT_STANDS"
FIXTURE_NOT_STARTED: Final = "FIXTURE_NOT_STARTED"
STATE_NOT_PERMITTED: Final = "STATE_NOT_PERMITTED"
QUOTING_NOT_PERMITTED: Final = "QUOTING_NOT_PERMITTED"
TOO_MANY_PROVIDERS: Final = "TOO_MANY_PROVIDERS"
PROVIDERS_PER_FIXTURE_MAX: Final = 32
"""Whoever comes later is not heard: nobody who brought a market is forgotten for them."""
WORDS_BY_REASON: Final = {
    FIXTURE_NOT_QUOTED: "who has quoted no market of the fixture decides nothing about it: quote it first",
    TOO_MANY_PROVIDERS: f"a fixture hears {PROVIDERS_PER_FIXTURE_MAX} providers, and as many came before",
    MARKET_NOT_QUOTED: "who has not quoted the market does not decide it",
    NOTHING_PERMITTED: "the table of rights lets the provider say nothing of it",
    STATE_NOT_PERMITTED: "the table of rights does not let the provider tell where the match stands",
    QUOTING_NOT_PERMITTED: "the table of rights does not let the provider quote it",
    SETTLING_NOT_PERMITTED: "the table of rights does not let the provider settle it",
    CANCELLING_NOT_PERMITTED: "the table of rights does not let the provider cancel it",
    MARKET_OF_ANOTHER_PROVIDER: "another provider brought or leads the market, and no rule says who decides it",
    BETTER_RANKED_PROVIDER: "a provider of a better rank quotes the market and decides it",
    OTHER_RESULT_STANDS: "another word stands, which it would undo",
    FIXTURE_NOT_STARTED: "the fixture has not begun by what is known of its start, and nobody calls it played",
}
"""What each reason means, to whom it concerns."""
RULES_CACHED_MAX: Final = 4_096

_BEFORE_PLAY: Final = frozenset({FixtureStatus.UNKNOWN, FixtureStatus.PRE_MATCH})
_SETTLING: Final = frozenset({ResultKind.SETTLEMENT, ResultKind.SETTLEMENT_ROLLBACK})
_OVERTURNED_BY: Final = {
    ResultKind.SETTLEMENT: ResultWord.CANCELLED,
    ResultKind.SETTLEMENT_ROLLBACK: ResultWord.SETTLED,
    ResultKind.CANCEL: ResultWord.SETTLED,
    ResultKind.CANCEL_ROLLBACK: ResultWord.CANCELLED | ResultWord.WINDOW_CANCELLED,
}
"""Which word of another provider a result would undo. Whether two settlements agree, the ledger sees."""


_DECIDED: Final = ResultWord.SETTLED | ResultWord.CANCELLED
_CHANGED_BY: Final = {
    ResultKind.SETTLEMENT: _DECIDED,
    ResultKind.SETTLEMENT_ROLLBACK: ResultWord.SETTLED,
    ResultKind.CANCEL: _DECIDED,
    ResultKind.CANCEL_ROLLBACK: ResultWord.CANCELLED | ResultWord.WINDOW_CANCELLED,
}
"""Which word of its own a provider corrects or takes back by a result."""


@dataclass(frozen=True, slots=True)
class ProviderRights:
    """What a provider may decide about fixtures of a sport.

    Attributes:
        provider: Whose: a provider, or a feed with all its products; empty for everybody's.
        sport: Where; empty for every sport.
        may_quote: Its prices count.
        may_tell_state: Its word on where a match stands counts.
        may_settle: Its settlements count, of markets that are its own: that it alone quotes, or that it brought while
            it is the one that is believed about the match.
        may_cancel: So do its cancellations; and its word that a match is off.
        may_decide_shared: Its results count for all markets that it quotes, whoever brought them.
        is_official: Its results count for all markets of a fixture that it quotes, also those it has not quoted itself.
        rank: The least of those who may settle a market is the one to settle it; among equals it is the first. Who has
            less than the one that is believed about a match may end it alone.
    """

    provider: str = ""
    sport: str = ""
    may_quote: bool = True
    may_tell_state: bool = True
    may_settle: bool = True
    may_cancel: bool = True
    may_decide_shared: bool = False
    is_official: bool = False
    rank: int = 0


@dataclass(frozen=True, slots=True)
class RightsTable:
    """Everybody's rights; of the rules that match the most particular holds, by provider first.

    Attributes:
        rules: Where none matches, a provider may do all that its quotes entitle it to.
        end_quorum: So many feeds that say the same end a match against the word of the one that is believed.
    """

    rules: tuple[ProviderRights, ...] = ()
    end_quorum: int = 2

    def of(self, provider_id: str, sport: str) -> ProviderRights:
        """Return what a provider may decide about a fixture of a sport."""
        return _find_rights(self, provider_id, sport)


EVERYBODYS_RIGHTS: Final = RightsTable()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What of an update counts.

    Attributes:
        refusal: Why nothing of it does; empty where something may.
        referral_reasons: Why a person has to look at a result first, one a result; empty where it counts.
    """

    refusal: str
    may_quote: bool
    may_tell_state: bool
    referral_reasons: tuple[str, ...]

    def refusals_of(self, update: FixtureUpdate) -> tuple[str, ...]:
        """Return why nothing of an update counts, or, one a part, why its quotes or its word on the match do not."""
        if self.refusal:
            return (self.refusal,)
        is_quoting, is_telling = update.quotes is not None, update.state is not None or update.description is not None
        parts = {
            QUOTING_NOT_PERMITTED: is_quoting and not self.may_quote,
            STATE_NOT_PERMITTED: is_telling and not self.may_tell_state,
        }
        return tuple(reason for reason, is_refused in parts.items() if is_refused)


def feed_of(provider_id: str) -> str:
    """Return the feed that a provider is a product of; itself where it is none."""
    return provider_id.partition(":")[0]


def quotes_fixture(state: FixtureState, feed: str) -> bool:
    """Return whether a feed has ever quoted a market of the fixture."""
    return any(np.count_nonzero(provider.market_statuses) for provider in _providers_of(state, feed))


def judge_update(state: FixtureState, update: FixtureUpdate, table: RightsTable) -> Judgement:
    """Return what of an update counts, by what was said of the fixture before."""
    feed = feed_of(update.provider_id)
    rights = table.of(update.provider_id, _sport_of(state, update))
    has_quotes = update.quotes is not None and update.quotes.layout.market_count > 0
    is_quoting = (has_quotes and rights.may_quote) or quotes_fixture(state, feed)
    if state.layout.market_count > 0 and not is_quoting:
        return _nothing_of(update, FIXTURE_NOT_QUOTED)
    if state.provider(update.provider_id) is None and len(state.providers) >= PROVIDERS_PER_FIXTURE_MAX:
        return _nothing_of(update, TOO_MANY_PROVIDERS)
    may_tell_state = rights.may_tell_state
    if update.state is not None and update.state.status is FixtureStatus.CANCELLED:
        may_tell_state &= rights.may_cancel
    return Judgement(
        "" if rights.may_quote or may_tell_state or update.result_marks else NOTHING_PERMITTED,
        rights.may_quote,
        may_tell_state,
        _hear(update, _Hearing(state, feed, rights, table)) if update.result_marks else (),
    )


def _hear(update: FixtureUpdate, hearing: _Hearing) -> tuple[str, ...]:
    quotes = update.quotes if hearing.rights.may_quote else None
    quoted = frozenset(() if quotes is None else quotes.layout.market_ids)
    return tuple(hearing.referral_reason(mark, quoted, update.received_time_us) for mark in update.result_marks)


def _nothing_of(update: FixtureUpdate, refusal: str) -> Judgement:
    return Judgement(refusal, False, False, (refusal,) * len(update.result_marks))


def may_move_start(state: FixtureState, provider_id: str) -> bool:
    """Return whether a provider may move a start that is known to a later time, or name another sport.

    Until the start prices stand without a delay: who is not the one believed about the match may not gain time for
    others' prices.
    """
    feed = feed_of(provider_id)
    if feed == feed_of(state.state_provider_id):
        return True
    return not any(
        np.count_nonzero(other.market_statuses) for other in state.providers if feed_of(other.provider_id) != feed
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Hearing:
    """What results of a feed are judged by."""

    state: FixtureState
    feed: str
    rights: ProviderRights
    table: RightsTable

    def referral_reason(self, mark: ResultMark, quoted_now: frozenset[str], received_time_us: int) -> str:
        index = self.state.layout.index_by_market_id.get(mark.market_id)
        decided = self.state.decided_markets.get(mark.market_id)
        if index is None and decided is not None:
            is_its_word = feed_of(decided.provider_id) == self.feed
            if decided.word:
                return "" if is_its_word and _may_decide(self.rights, mark.kind) else OTHER_RESULT_STANDS
            if not is_its_word and not self._is_granted:
                return MARKET_OF_ANOTHER_PROVIDER
        is_quoted = mark.market_id in quoted_now or (index is not None and self._quotes(index))
        if not is_quoted and (not self.rights.is_official or self._is_own(index)):
            return MARKET_NOT_QUOTED
        if not _may_decide(self.rights, mark.kind):
            return SETTLING_NOT_PERMITTED if mark.kind in _SETTLING else CANCELLING_NOT_PERMITTED
        if mark.kind is ResultKind.SETTLEMENT and self._is_before_start(received_time_us):
            return FIXTURE_NOT_STARTED
        return "" if index is None else self._conflict(mark, index)

    def _conflict(self, mark: ResultMark, index: int) -> str:
        if self._undoes_anothers_word(mark, index):
            return OTHER_RESULT_STANDS
        ranks = [rival.rank for rival in self._rivals(index) if _may_decide(rival, mark.kind)]
        if min(ranks, default=self.rights.rank) < self.rights.rank:
            return BETTER_RANKED_PROVIDER
        is_first = self.rights.rank < min(ranks, default=self.rights.rank)
        if is_first or self._is_granted or self._is_its_own(index) or self._says_it(mark, index):
            return ""
        return MARKET_OF_ANOTHER_PROVIDER

    @property
    def _is_granted(self) -> bool:
        return self.rights.may_decide_shared or self.rights.is_official

    def _quotes(self, index: int) -> bool:
        return any(provider.market_statuses[index] for provider in _providers_of(self.state, self.feed))

    def _is_its_own(self, index: int) -> bool:
        """Return whether nobody but the feed brought a market or leads it: quoting it beside others buys no right."""
        has_brought = any(
            provider.brought is not None and bool(provider.brought[index])
            for provider in _providers_of(self.state, self.feed)
        )
        if any(provider.market_statuses[index] for provider in self._others()):
            return has_brought and feed_of(self.state.state_provider_id) == self.feed
        return has_brought or not self._is_own(index)

    def _says_it(self, mark: ResultMark, index: int) -> bool:
        """Return whether the market is decided by the feed's own word, or it takes such a word back."""
        changed = _CHANGED_BY.get(mark.kind, ResultWord.NONE)
        return any(
            provider.result_words is not None and bool(changed & int(provider.result_words[index]))
            for provider in _providers_of(self.state, self.feed)
        )

    def _is_before_start(self, received_time_us: int) -> bool:
        description, match = self.state.description, self.state.state
        if description is None or (match is not None and match.status not in _BEFORE_PLAY):
            return False
        return description.start_time_ms * 1_000 > received_time_us

    def _is_own(self, index: int | None) -> bool:
        own_markets = self.state.own_markets
        return index is not None and own_markets is not None and bool(own_markets[index])

    def _undoes_anothers_word(self, mark: ResultMark, index: int) -> bool:
        if self._is_own(index) and self.state.own_settlement is not None:
            return True
        undone = _OVERTURNED_BY.get(mark.kind, ResultWord.NONE)
        return any(
            provider.result_words is not None and bool(undone & int(provider.result_words[index]))
            for provider in self._others()
        )

    def _rivals(self, index: int) -> Iterator[ProviderRights]:
        sport = "" if self.state.description is None else self.state.description.sport
        return (
            self.table.of(provider.provider_id, sport) for provider in self._others() if provider.market_statuses[index]
        )

    def _others(self) -> Iterator[ProviderColumns]:
        return (provider for provider in self.state.providers if feed_of(provider.provider_id) != self.feed)


def _may_decide(rights: ProviderRights, kind: ResultKind) -> bool:
    return rights.may_settle if kind in _SETTLING else rights.may_cancel


def _providers_of(state: FixtureState, feed: str) -> Iterator[ProviderColumns]:
    return (provider for provider in state.providers if feed_of(provider.provider_id) == feed)


def _sport_of(state: FixtureState, update: FixtureUpdate) -> str:
    """Return the sport as it was known before the update, which must not choose its own rights."""
    known = "" if state.description is None else state.description.sport
    return known or ("" if update.description is None else update.description.sport)


@lru_cache(maxsize=RULES_CACHED_MAX)
def _find_rights(table: RightsTable, provider_id: str, sport: str) -> ProviderRights:
    ranks = {provider_id: 4, feed_of(provider_id): 2, "": 0}
    matching = [rule for rule in table.rules if rule.provider in ranks and rule.sport in ("", sport)]
    return max(matching, key=lambda rule: ranks[rule.provider] + bool(rule.sport), default=ProviderRights())
