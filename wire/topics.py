"""Every topic of the log: its name, its keys and values, its parts, who writes and reads it, how long it is kept.

Whoever writes or reads a topic names it from here. `overround migrate` makes the topics as they are said here, and
`make protos` writes docs/gen/topics.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.message import Message

from overround.audit.v1.audit_pb2 import Asked
from overround.bets.v1.bet_pb2 import BetChanged, LegChanged
from overround.casino.v1.round_pb2 import RoundPlayed
from overround.feed.v1.feed_pb2 import DeadLetter, FeedUpdate, FixtureResults, ProviderHeartbeat
from overround.odds.v1.book_pb2 import Book, PriceExplanation, PricingHeartbeat
from overround.pam.v1.player_pb2 import PlayerEvent, PlayerState
from overround.payments.v1.payment_pb2 import DepositChanged
from overround.risk.v1.risk_pb2 import FixtureLiability
from overround.trading.v1.trading_pb2 import TradingCommand
from overround.wallet.v1.anchor_pb2 import LedgerAnchor
from overround.wallet.v1.wallet_pb2 import TransferPosted

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
BURST_BYTES_MAX: Final = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic.

    Attributes:
        name: `<area>.<event>.v<n>`, or `<agent>.dead-letter`.
        key: What its keys name, as text.
        message: What its values are.
        written_by: Who writes it, in words.
        read_by: Who reads it, in words.
        kept_ms: How long every value is kept; None for ever.
        kept_bytes_max: At how much of a partition the oldest go earlier than that; None where time alone decides.
        is_compacted: Whether the last value of each key is kept beyond that.
        has_end: Whether a key comes to an end, told by a tombstone.
        is_whole: One partition, because whoever reads it needs all of it; the others have as many as the settings say.
        broker: What else the broker is told about it, by Kafka's names.
    """

    name: str
    key: str
    message: type[Message]
    written_by: str
    read_by: str
    kept_ms: int | None
    kept_bytes_max: int | None = None
    is_compacted: bool = False
    has_end: bool = False
    is_whole: bool = False
    broker: Mapping[str, str] = field(default_factory=dict, hash=False)


FEED_UPDATES: Final = Topic(
    name="feed.updates.v1",
    key="fixture",
    message=FeedUpdate,
    written_by="feed intake in the gateway, `overround replay`",
    read_by="pricing",
    # Results, which are money, are among them: no burst of quotes takes one away before pricing has read it.
    kept_ms=3 * DAY_MS,
    # What comes late can be told from what comes again.
    broker={"message.timestamp.type": "LogAppendTime"},
)
FEED_PROVIDERS: Final = Topic(
    name="feed.providers.v1",
    key="provider",
    message=ProviderHeartbeat,
    written_by="feed intake, `overround replay`",
    read_by="pricing, gateway (desk, and bets: no provider heard of, no bets)",
    kept_ms=0,
    is_compacted=True,
    is_whole=True,
)
BOOKS: Final = Topic(
    name="odds.books.v1",
    key="fixture",
    message=Book,
    written_by="pricing",
    read_by="gateway, history, pricing after a restart",
    kept_ms=0,
    is_compacted=True,
    has_end=True,
)
EXPLANATIONS: Final = Topic(
    name="odds.explanations.v1",
    key="fixture",
    message=PriceExplanation,
    written_by="pricing",
    read_by="gateway (`ExplainPrice`), pricing after a restart",
    # A price is explained by its version: docs/adr/0010-explanations-are-found-in-the-log.md.
    kept_ms=48 * HOUR_MS,
    is_compacted=True,
    has_end=True,
    # Records sent together are alike: compressed they take a fifth. No agent reads them: aiokafka has no lz4.
    broker={"compression.type": "lz4"},
)
HEARTBEATS: Final = Topic(
    name="odds.heartbeats.v1",
    key="partition number",
    message=PricingHeartbeat,
    written_by="pricing, every 250 ms",
    read_by="gateway: no heartbeat about books that it has read, no bets",
    kept_ms=HOUR_MS,
    is_whole=True,
)
TRADING_COMMANDS: Final = Topic(
    name="trading.commands.v1",
    key="fixture",
    message=TradingCommand,
    written_by="gateway (desk)",
    read_by="pricing",
    kept_ms=7 * DAY_MS,
    kept_bytes_max=BURST_BYTES_MAX,
)
AUDIT: Final = Topic(
    name="audit.v1",
    key="who",
    message=Asked,
    written_by="gateway (desk), before it commands; relay: decisions about results and bets",
    read_by="people",
    # Who closed a market is asked years later; commands are kept for days, and a row of the database can be rewritten.
    kept_ms=None,
)
RESULTS: Final = Topic(
    name="results.v1",
    key="fixture",
    message=FixtureResults,
    written_by="pricing, once the book is marked",
    read_by="settlement, gateway (tells providers what of it a person looks at first)",
    kept_ms=None,
)
BET_EVENTS: Final = Topic(
    name="bets.events.v1",
    key="account",
    message=BetChanged,
    written_by="relay",
    read_by="gateway (`WatchBets`, desk), history",
    kept_ms=None,
)
BET_LEGS: Final = Topic(
    name="bets.legs.v1", key="fixture", message=LegChanged, written_by="relay", read_by="risk", kept_ms=None
)
WALLET_EVENTS: Final = Topic(
    name="wallet.events.v1", key="account", message=TransferPosted, written_by="relay", read_by="history", kept_ms=None
)
CASINO_ROUNDS: Final = Topic(
    name="casino.rounds.v1", key="account", message=RoundPlayed, written_by="relay", read_by="history", kept_ms=None
)
PLAYER_EVENTS: Final = Topic(
    name="pam.events.v1",
    key="player",
    message=PlayerEvent,
    written_by="relay",
    read_by="nobody yet",
    kept_ms=None,
)
PLAYERS: Final = Topic(
    name="pam.players.v1",
    key="player",
    message=PlayerState,
    written_by="relay",
    read_by="gateway: sessions and streams end with what they were opened by",
    kept_ms=0,
    is_compacted=True,
)
PAYMENT_EVENTS: Final = Topic(
    name="payments.events.v1",
    key="player",
    message=DepositChanged,
    written_by="relay",
    read_by="nobody yet",
    kept_ms=None,
)
LEDGER_ANCHORS: Final = Topic(
    name="ledger.anchors.v1",
    key="chain",
    message=LedgerAnchor,
    written_by="relay, every 10 s",
    # docs/adr/0020-the-audit-recomputes.md
    read_by="`overround audit`, relay before it leads",
    kept_ms=None,
    is_whole=True,
)
LIABILITIES: Final = Topic(
    name="risk.liability.v1",
    key="fixture",
    message=FixtureLiability,
    written_by="risk",
    read_by="gateway (desk), history",
    kept_ms=0,
    is_compacted=True,
    has_end=True,
)


def _dead_letters_of(source: str, *, key: str, written_by: str, read_by: str) -> Topic:
    return Topic(
        name=f"{source}.dead-letter",
        key=key,
        message=DeadLetter,
        written_by=written_by,
        read_by=read_by,
        kept_ms=7 * DAY_MS,
        kept_bytes_max=BURST_BYTES_MAX,
        is_whole=True,
    )


FEED_DEAD_LETTERS: Final = _dead_letters_of("feed", key="provider", written_by="feed intake", read_by="people")
PRICING_DEAD_LETTERS: Final = _dead_letters_of(
    "pricing",
    key="as its source",
    written_by="pricing",
    read_by="people, gateway (tells providers what they had no right to)",
)
LIABILITY_DEAD_LETTERS: Final = _dead_letters_of("liability", key="as its source", written_by="risk", read_by="people")
HISTORY_DEAD_LETTERS: Final = _dead_letters_of("history", key="as its source", written_by="history", read_by="people")

TOPICS: Final = tuple(topic for topic in tuple(globals().values()) if isinstance(topic, Topic))
"""All that are named above."""
