"""Every topic of the log: its name, what its keys and values are, how it is divided and how long it is kept.

Whoever writes or reads a topic names it from here. The steps in infra/migrations/kafka make the topics, and
docs/topics.md says who writes and reads them; both are held against this list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message

from overround.bets.v1.bet_pb2 import BetChanged, LegChanged
from overround.feed.v1.feed_pb2 import DeadLetter, FeedUpdate, FixtureResults, ProviderHeartbeat
from overround.odds.v1.book_pb2 import Book, PriceExplanation, PricingHeartbeat
from overround.pam.v1.player_pb2 import PlayerRegistered
from overround.risk.v1.risk_pb2 import FixtureLiability
from overround.trading.v1.trading_pb2 import TradingCommand
from overround.wallet.v1.anchor_pb2 import LedgerAnchor
from overround.wallet.v1.wallet_pb2 import TransferPosted

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic.

    Attributes:
        name: `<area>.<event>.v<n>`, or `<agent>.dead-letter`.
        key: What its keys name, as text.
        message: What its values are.
        kept_ms: How long every value is kept; None for ever.
        is_compacted: Whether the last value of each key is kept beyond that.
        is_whole: One partition, because whoever reads it needs all of it; the others have as many as the settings say.
    """

    name: str
    key: str
    message: type[Message]
    kept_ms: int | None
    is_compacted: bool = False
    is_whole: bool = False


FEED_UPDATES: Final = Topic(name="feed.updates.v1", key="fixture", message=FeedUpdate, kept_ms=3 * DAY_MS)
FEED_PROVIDERS: Final = Topic(
    name="feed.providers.v1",
    key="provider",
    message=ProviderHeartbeat,
    kept_ms=0,
    is_compacted=True,
    is_whole=True,
)
BOOKS: Final = Topic(name="odds.books.v1", key="fixture", message=Book, kept_ms=0, is_compacted=True)
EXPLANATIONS: Final = Topic(
    name="odds.explanations.v1", key="fixture", message=PriceExplanation, kept_ms=48 * HOUR_MS, is_compacted=True
)
HEARTBEATS: Final = Topic(
    name="odds.heartbeats.v1", key="partition number", message=PricingHeartbeat, kept_ms=HOUR_MS, is_whole=True
)
TRADING_COMMANDS: Final = Topic(name="trading.commands.v1", key="fixture", message=TradingCommand, kept_ms=7 * DAY_MS)
RESULTS: Final = Topic(name="results.v1", key="fixture", message=FixtureResults, kept_ms=None)
BET_EVENTS: Final = Topic(name="bets.events.v1", key="account", message=BetChanged, kept_ms=None)
BET_LEGS: Final = Topic(name="bets.legs.v1", key="fixture", message=LegChanged, kept_ms=None)
WALLET_EVENTS: Final = Topic(name="wallet.events.v1", key="account", message=TransferPosted, kept_ms=None)
PLAYER_EVENTS: Final = Topic(name="pam.events.v1", key="player", message=PlayerRegistered, kept_ms=None)
LEDGER_ANCHORS: Final = Topic(name="ledger.anchors.v1", key="chain", message=LedgerAnchor, kept_ms=None, is_whole=True)
LIABILITIES: Final = Topic(
    name="risk.liability.v1", key="fixture", message=FixtureLiability, kept_ms=0, is_compacted=True
)


def _dead_letters_of(source: str, *, key: str) -> Topic:
    return Topic(name=f"{source}.dead-letter", key=key, message=DeadLetter, kept_ms=7 * DAY_MS, is_whole=True)


FEED_DEAD_LETTERS: Final = _dead_letters_of("feed", key="provider")
PRICING_DEAD_LETTERS: Final = _dead_letters_of("pricing", key="as its source")
LIABILITY_DEAD_LETTERS: Final = _dead_letters_of("liability", key="as its source")
HISTORY_DEAD_LETTERS: Final = _dead_letters_of("history", key="as its source")

TOPICS: Final = (
    *(FEED_UPDATES, FEED_PROVIDERS, BOOKS, EXPLANATIONS, HEARTBEATS, TRADING_COMMANDS, RESULTS),
    *(BET_EVENTS, BET_LEGS, WALLET_EVENTS, PLAYER_EVENTS, LEDGER_ANCHORS, LIABILITIES),
    *(FEED_DEAD_LETTERS, PRICING_DEAD_LETTERS, LIABILITY_DEAD_LETTERS, HISTORY_DEAD_LETTERS),
)
