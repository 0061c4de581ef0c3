"""The Odds API, version 4: its documents, read. Other services answer in the same form.

A document is the answer to `GET /v4/sports/{sport}/odds?oddsFormat=decimal&dateFormat=iso`: a list of events, each with
the prices of many bookmakers. Every bookmaker is a provider of its own, a product of this feed
("the-odds-api:pinnacle"), so that prices are blended as those of any other providers. An event is a fixture
("the-odds-api:912559d6"). What is quoted of it is told whole: a market that is missing is offered no longer, and a
bookmaker that is missing offers nothing. So what is asked for has to be the same in every document.

Documents come by asking again and again, and most of what they hold was there before: what is the same as the last time
becomes nothing. There are neither scores nor results in them. Some of these services give odds as Americans write them
unless they are asked otherwise; such prices are refused, since their implied probabilities do not reach one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import orjson

from gateway.feeds.format import FeedFormat
from gateway.feeds.ordering import TIME_MS_MAX, NewestTimes, SequenceClock, expect_stamped
from gateway.feeds.reading import RAW_BYTES_MAX, Reading
from gateway.feeds.refusals import FeedRefused, MessageMalformed, MessageOutOfOrder, MessageOversized
from gateway.feeds.validation import MARKETS_MAX, NAME_LENGTH_MAX, ODDS_MILLI_MAX
from kernel.clock import SYSTEM_CLOCK, Clock
from markets.catalogue import SPORTS, market_of
from markets.contests import AWAY, HOME, OVER, UNDER
from markets.fixture import MarketStatus
from markets.football import market_ids as football
from markets.layout import MarketLayout
from markets.market_type import Family, Line, MarketType
from markets.sport import Sport
from overround.feed.v1.feed_pb2 import BetStop, FeedUpdate, Quotes
from overround.odds.v1.fixture_pb2 import FixtureDescription
from wire.feed import build_quotes

FEED: Final = "the-odds-api"
EVENTS_MAX: Final = 1_000
BOOKMAKERS_MAX: Final = 256
FIXTURES_MAX: Final = 20_000
POINT_MAX: Final = 1_000.0
IMPLIED_TOTAL_MIN: Final = 0.8
"""Below it are American odds; the best bookmaker's prices of any market come to more."""

_ID: Final = re.compile(r"[!-~]{1,128}", re.ASCII)
_KEY: Final = re.compile(r"[a-z0-9_-]{1,64}", re.ASCII)
_TIME: Final = re.compile(rb'"last_update"\s*:\s*"([0-9TZ:.+-]{1,40})"')
_MALFORMED: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError)

_SPORT_BY_KIND: Final[Mapping[str, Sport]] = {
    sport.odds_api.kind: sport for sport in SPORTS.values() if sport.odds_api is not None
}
_PAIRING: Final = (HOME, AWAY)
"""Who takes part: two sides."""
_ON_A_LINE: Final = frozenset({Line.TOTAL, Line.HANDICAP})


@dataclass(frozen=True, slots=True)
class _Event:
    """What all bookmakers say the same of."""

    fixture_id: str
    description: FixtureDescription
    outcome_by_name: Mapping[str, str]
    type_by_key: Mapping[str, str]


@dataclass(slots=True)
class _Draft:
    """What has been read of a document so far."""

    updates: list[FeedUpdate]
    refusals: list[FeedRefused]
    fixture_ids: set[str]
    unknown_part_count: int = 0


class TheOddsApiAdapter:
    """Reads documents of all sports, in the order in which they were answered.

    What does not have its form is refused and costs that part alone; a bookmaker of which something was refused offers
    what is right of its prices and nothing else, and nothing at all where that cannot be told.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._now_us = clock.now_us
        self._clock_by_provider: dict[str, SequenceClock] = {}
        self._newest = NewestTimes()
        self._told: dict[str, dict[str, int | None]] = {}
        """What was last said of a fixture by each bookmaker, as a hash; None where it is stopped."""

    def read(self, raw: bytes) -> Reading:
        """Return what a document says; what it holds wrongly is in the refusals."""
        draft = _Draft([], [], set())
        try:
            if len(raw) > RAW_BYTES_MAX:
                raise MessageOversized(f"A document has at most {RAW_BYTES_MAX} bytes, had {len(raw)}")
            events = orjson.loads(raw)
            if not isinstance(events, list) or len(events) > EVENTS_MAX:
                raise MessageMalformed(f"A document must be a list of at most {EVENTS_MAX} events")
        except FeedRefused as refusal:
            return Reading(FEED, refusals=(refusal,))
        except ValueError as error:
            return Reading(FEED, refusals=(_malformed("document", error),))
        for event in events:
            self._read_event(event, draft)
        refusals = list({refusal.reason: refusal for refusal in reversed(draft.refusals)}.values())
        return Reading(FEED, draft.updates, refusals=refusals, unknown_part_count=draft.unknown_part_count)

    def _read_event(self, told: Any, draft: _Draft) -> None:
        try:
            event = _event_of(told)
            bookmakers = told["bookmakers"]
            if not isinstance(bookmakers, list) or len(bookmakers) > BOOKMAKERS_MAX:
                raise MessageMalformed(f"An event must have a list of at most {BOOKMAKERS_MAX} bookmakers")
            if event.fixture_id in draft.fixture_ids:
                raise MessageMalformed(f"An event must be told once, {event.fixture_id} was twice")
        except (FeedRefused, *_MALFORMED) as error:
            draft.refusals.append(_malformed("event", error))
            self._stop_all(told, draft)
            return
        draft.fixture_ids.add(event.fixture_id)
        named: set[str] = set()
        for bookmaker in bookmakers:
            self._read_bookmaker(event, bookmaker, named, draft)
        for provider_id in sorted(self._quoting(event.fixture_id) - named):
            self._stop(provider_id, event.fixture_id, draft)

    def _read_bookmaker(self, event: _Event, told: Any, named: set[str], draft: _Draft) -> None:
        try:
            provider_id = _provider_of(told)
        except (MessageMalformed, *_MALFORMED) as error:
            draft.refusals.append(_malformed("bookmaker", error))
            return
        try:
            if provider_id in named:
                raise MessageMalformed(f"A bookmaker must be told once, {provider_id} was twice")
            named.add(provider_id)
            update = self._begin(provider_id, event, told)
            if update is not None:
                update.description.CopyFrom(event.description)
                update.quotes.CopyFrom(_quotes_of(event, told["markets"], draft))
                draft.updates.append(update)
        except MessageOutOfOrder as refusal:
            draft.refusals.append(refusal)
        except (FeedRefused, *_MALFORMED) as error:
            draft.refusals.append(_malformed(f"bookmaker {provider_id}", error))
            self._stop(provider_id, event.fixture_id, draft)

    def _begin(self, provider_id: str, event: _Event, told: Any) -> FeedUpdate | None:
        """Return an update with nothing in it; None where that is what the bookmaker said last."""
        time_ms = expect_stamped(_time_ms_of(told["last_update"]), now_us=self._now_us())
        clock = self._clock_of(provider_id)
        # Whose prices they are belongs to them: an outcome has its side by the names of the two.
        words = event.description.SerializeToString(deterministic=True)
        digest = hash((words, orjson.dumps(told, option=orjson.OPT_SORT_KEYS)))
        if self._newest.is_late((provider_id, event.fixture_id), time_ms):
            raise MessageOutOfOrder(f"Newer prices of {provider_id} were taken of {event.fixture_id}")
        if self._told.get(event.fixture_id, {}).get(provider_id) == digest:
            return None
        self._note_told(event.fixture_id, provider_id, digest)
        return FeedUpdate(
            provider_id=provider_id,
            fixture_id=event.fixture_id,
            sequence=clock.next(time_ms),
            provider_time_ms=time_ms,
        )

    def _clock_of(self, provider_id: str) -> SequenceClock:
        clock = self._clock_by_provider.get(provider_id)
        if clock is None:
            if len(self._clock_by_provider) >= BOOKMAKERS_MAX:
                raise MessageOversized(f"At most {BOOKMAKERS_MAX} bookmakers are followed")
            clock = self._clock_by_provider[provider_id] = SequenceClock()
        return clock

    def _note_told(self, fixture_id: str, provider_id: str, digest: int | None) -> None:
        told = self._told.pop(fixture_id, {})
        if len(self._told) >= FIXTURES_MAX:
            del self._told[next(iter(self._told))]
        told[provider_id] = digest
        self._told[fixture_id] = told

    def _quoting(self, fixture_id: str) -> set[str]:
        """Return whose prices of a fixture stand."""
        return {name for name, digest in self._told.get(fixture_id, {}).items() if digest is not None}

    def _stop_all(self, told: Any, draft: _Draft) -> None:
        """Stop all markets of an event that cannot be read, as far as it tells which it is."""
        try:
            fixture_id = _fixture_of(told)
        except (MessageMalformed, *_MALFORMED):
            return
        for provider_id in sorted(self._quoting(fixture_id)):
            self._stop(provider_id, fixture_id, draft)

    def _stop(self, provider_id: str, fixture_id: str, draft: _Draft) -> None:
        """Stop all that stands of a bookmaker's prices of a fixture; what it says next is told, also the same again."""
        if provider_id not in self._quoting(fixture_id):
            return
        self._note_told(fixture_id, provider_id, None)
        time_ms = self._newest.of((provider_id, fixture_id))
        draft.updates.append(
            FeedUpdate(
                provider_id=provider_id,
                fixture_id=fixture_id,
                sequence=self._clock_of(provider_id).next(time_ms),
                provider_time_ms=time_ms,
                bet_stop=BetStop(),
            )
        )


def _event_of(told: Any) -> _Event:
    home, away = _name_of(told["home_team"]), _name_of(told["away_team"])
    if home == away:
        raise MessageMalformed(f"Two must play each other, were {home[:64]!r} twice")
    kind = _name_of(told["sport_key"]).partition("_")[0]
    sport = _SPORT_BY_KIND.get(kind)
    description = FixtureDescription(
        sport=kind if sport is None else sport.name,
        competition=_name_of(told["sport_title"]),
        home_name=home,
        away_name=away,
        start_time_ms=_time_ms_of(told["commence_time"]),
    )
    names = {"Over": OVER, "Under": UNDER, "Yes": football.YES, "No": football.NO, "Draw": football.DRAW}
    types = sport.odds_api.types if sport is not None and sport.odds_api is not None else {}
    return _Event(_fixture_of(told), description, {**names, home: HOME, away: AWAY}, types)


def _fixture_of(told: Any) -> str:
    if not _ID.fullmatch(told["id"]):
        raise MessageMalformed(f"An event must have an id, had {told['id'][:64]!r}")
    return f"{FEED}:{told['id']}"


def _provider_of(told: Any) -> str:
    if not _KEY.fullmatch(told["key"]):
        raise MessageMalformed(f"A bookmaker must have a key, had {told['key'][:64]!r}")
    return f"{FEED}:{told['key']}"


def _name_of(told: Any) -> str:
    if not isinstance(told, str) or not told:
        raise MessageMalformed(f"A name must be text, was {type(told).__name__}")
    return told[:NAME_LENGTH_MAX]


def _time_ms_of(told: Any) -> int:
    """Return a time in milliseconds since the Unix epoch; one without its distance from UTC is none."""
    time = datetime.fromisoformat(told)
    time_ms = -1 if time.tzinfo is None else round(time.timestamp() * 1_000)
    if not 0 <= time_ms <= TIME_MS_MAX:
        raise MessageMalformed(f"A time must be since 1970 and tell its distance from UTC, was {told[:64]!r}")
    return time_ms


def _quotes_of(event: _Event, told: Any, draft: _Draft) -> Quotes:
    """Return all a bookmaker offers of an event; a market that is refused is not among it."""
    found: dict[str, dict[str, int]] = {}
    for market in told:
        try:
            type_id = event.type_by_key.get(market["key"])
            if type_id is None:
                draft.unknown_part_count += 1
                continue
            found |= dict(_lines_of(event, market_of(type_id).type, market["outcomes"]))
        except (MessageMalformed, *_MALFORMED) as error:
            draft.refusals.append(_malformed("market", error))
    if len(found) > MARKETS_MAX:
        raise MessageOversized(f"A bookmaker has at most {MARKETS_MAX} markets of an event, had {len(found)}")
    layout = MarketLayout.of_markets((market_id, tuple(odds)) for market_id, odds in found.items())
    return build_quotes(
        layout,
        market_statuses=np.full(layout.market_count, MarketStatus.OPEN, dtype=np.uint8),
        decimal_odds_milli=np.array([milli for odds in found.values() for milli in odds.values()], dtype=np.uint32),
        is_snapshot=True,
    )


def _lines_of(event: _Event, known: MarketType, told: Any) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield the markets that one of the feed's is, each line of it one of ours, with its prices by outcome."""
    expected = _PAIRING if isinstance(known.outcomes, Family) else known.outcomes
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for outcome in told:
        outcome_id = event.outcome_by_name[outcome["name"]]
        market_id = known.type_id
        if known.line in _ON_A_LINE:
            point = _point_of(outcome["point"])
            market_id = football.line_market_id(market_id, -point if outcome_id == AWAY else point)
        if outcome_id in found[market_id]:
            raise MessageMalformed(f"An outcome of {market_id} must appear once, {outcome_id} did twice")
        found[market_id][outcome_id] = _odds_milli_of(outcome["price"])
    for market_id, odds_milli_by_outcome in found.items():
        if odds_milli_by_outcome.keys() != set(expected):
            had = sorted(odds_milli_by_outcome)
            raise MessageMalformed(f"{market_id} must have {sorted(expected)}, had {had}")
        implied_total = sum(1_000 / milli for milli in odds_milli_by_outcome.values())
        if implied_total < IMPLIED_TOTAL_MIN:
            raise MessageMalformed(f"Odds of {market_id} must be decimal, imply {implied_total:.3f} together")
        yield market_id, odds_milli_by_outcome


def _point_of(told: Any) -> float:
    point = float(told)
    if not abs(point) <= POINT_MAX or point * 4 != round(point * 4):
        raise MessageMalformed(f"A line must be a number of quarters up to {POINT_MAX:.0f}, was {str(told)[:32]!r}")
    return point


def _odds_milli_of(told: Any) -> int:
    if not isinstance(told, int | float):
        raise MessageMalformed(f"Odds must be a number, were {type(told).__name__}")
    milli: int = round(told * 1_000)
    if not 1_000 < milli <= ODDS_MILLI_MAX:
        raise MessageMalformed(f"Odds must be decimal, above 1 and at most {ODDS_MILLI_MAX / 1_000:.0f}, were {told}")
    return milli


def _malformed(what: str, error: Exception) -> FeedRefused:
    if isinstance(error, FeedRefused):
        return error
    return MessageMalformed(f"A {what} does not have its form: {error!r}"[:512])


def _newest_time_ms(raw: bytes) -> int | None:
    times = [found[1].decode("ascii") for found in _TIME.finditer(raw)]
    try:
        return max(map(_time_ms_of, times), default=None)
    except (MessageMalformed, ValueError):
        return None


FORMAT: Final = FeedFormat(
    name="documents of The Odds API (a JSON list)",
    begins_with=b"[",
    is_by_line=False,
    new_adapter=TheOddsApiAdapter,
    time_ms_of=_newest_time_ms,
)
