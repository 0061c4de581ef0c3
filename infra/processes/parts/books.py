"""Books in memory, and who is shown them."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.bet_builders import BetBuilders
from gateway.bettable_books import BettableBooks
from gateway.book_follower import BookFollower
from gateway.books import BookCache
from gateway.odds_service import OddsService
from infra.kafka import partition_of
from infra.processes.parts.logs import BOOK_LOG, DESK_LOG
from infra.processes.parts.part import Follower, Part
from infra.processes.parts.shared import Shared
from infra.stores.book_copy import RedisBookSnapshots


@dataclass(frozen=True, slots=True)
class Books:
    """Books, for other parts.

    Attributes:
        cache: As pricing published them.
        bettable: As bets may be placed on them now.
        snapshots: Their serving copy.
    """

    cache: BookCache
    bettable: BettableBooks
    snapshots: RedisBookSnapshots


def open_books(shared: Shared) -> Books:
    """Return books that the part of `make_books` keeps up to date."""
    settings, pricing = shared.settings, shared.house.pricing
    partitions = settings.kafka.partitions
    cache = BookCache(
        clock=shared.clock,
        partition_of=lambda fixture_id: partition_of(fixture_id, partitions),
        partitions=partitions,
        heartbeat_age_ms_max=settings.gateway.heartbeat_age_ms_max,
        watchers_max=settings.gateway.watchers_max,
    )
    bettable = BettableBooks(
        books=cache,
        clock=shared.clock,
        start_guard=pricing.start_guard,
        provider_timeout_us=pricing.provider_timeout_us,
    )
    return Books(cache, bettable, RedisBookSnapshots(shared.redis))


def make_books(shared: Shared, books: Books) -> Part:
    """Return what follows books and streams them."""
    follower = BookFollower(
        cache=books.cache,
        books_log=shared.servers.reader(BOOK_LOG),
        snapshots=books.snapshots,
        figures=shared.figures,
        clock=shared.clock,
    )

    async def follow() -> None:
        await shared.own_log.wait()  # no book is taken for one before the log is known to be the ledger's
        await follower.run()

    async def find_trouble() -> str | None:
        return None if follower.is_loaded else "books: not loaded yet"

    builders = BetBuilders(books=books.bettable, explanations=books.snapshots, ladder=shared.house.pricing.ladder_steps)
    odds = OddsService(
        books=books.cache, builders=builders, clock=shared.clock, in_play_delay_ms=shared.house.in_play_delay_ms
    )
    return Part(
        services=(odds,),
        followers=(Follower(DESK_LOG, books.bettable.apply_providers),),
        works=(follow,),
        troubles=(find_trouble,),
    )
