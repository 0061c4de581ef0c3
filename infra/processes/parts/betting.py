"""Bets: placing and showing them, and the exposure that they are held against."""

from __future__ import annotations

from functools import partial
from typing import Final

from redis.asyncio import Redis

from bets.acceptance import terms_by_currency
from bets.placement import BetPlacement, BettingRules, BookSource
from gateway.bet_feed import BetFeed
from gateway.bet_observer import BetObserver
from gateway.bet_stream import BetStream
from gateway.betting_service import BettingService
from infra.house import House
from infra.processes.parts.logs import BET_LOG, PLAYER_LOG
from infra.processes.parts.part import Follower, Part
from infra.processes.parts.shared import Shared
from infra.settings import Settings
from infra.stores.exposure import RedisExposure
from infra.stores.exposure_keeper import ExposureKeeper, KeepingLog
from infra.stores.kept_exposure import RedisKeptExposure
from infra.stores.open_bets import PostgresOpenBets
from infra.stores.postgres_bets import PostgresBetLedger
from infra.stores.postgres_wallet import PostgresWallet
from risk.keeping import ExposureKeeping, KeepingRules

GRACE_S: Final = 2.3  # longer than the in-play delay, and all ends within the limit of a process


def make_betting(shared: Shared, books: BookSource) -> Part:
    """Return betting on books; what is under way is decided, while books still come, before anything else ends."""
    settings, clock = shared.settings, shared.clock
    ledger = PostgresBetLedger(shared.postgres, settings.ledger)
    shared.stack.push_async_callback(ledger.close)
    # Connections of their own: what bets wait for does not queue behind anything else.
    redis = shared.servers.redis(
        connections_max=settings.betting.risk_connections_max, timeout_ms=settings.betting.risk_timeout_ms
    )
    placement = BetPlacement(
        permits=shared.permits,
        books=books,
        exposure=RedisExposure(redis, clock=clock, timeout_ms=settings.betting.risk_timeout_ms),
        ledger=ledger,
        observer=BetObserver(shared.figures),
        clock=clock,
        rules=_rules(settings, shared.house),
    )
    feed = BetFeed(watchers_max=settings.betting.watchers_max)
    stream = BetStream(ledger=ledger, wallet=PostgresWallet(shared.postgres), feed=feed, clock=clock)
    return Part(
        services=(BettingService(placement=placement, ledger=ledger, stream=stream),),
        followers=(Follower(BET_LOG, feed.apply), Follower(PLAYER_LOG, feed.apply_players)),
        works=(make_keeper(shared, redis=redis, ledger=ledger).run,),
        endings=(partial(placement.close, timeout_s=GRACE_S),),
    )


def make_keeper(shared: Shared, *, redis: Redis, ledger: PostgresBetLedger) -> ExposureKeeper:
    """Return what keeps exposure the same as the open bets."""
    betting = shared.settings.betting
    kept = RedisKeptExposure(
        redis, clock=shared.clock, timeout_ms=betting.risk_timeout_ms, lock_ms=betting.keeper_lock_ms
    )
    keeping = ExposureKeeping(
        kept,
        PostgresOpenBets(shared.postgres, ledger),
        observer=KeepingLog(),
        clock=shared.clock,
        rules=KeepingRules(
            reservation_age_ms_max=betting.reservation_age_ms_max,
            answer_ms_max=betting.answer_timeout_ms,
            compare_interval_ms=betting.keeper_compare_interval_ms,
        ),
    )
    return ExposureKeeper(keeping, interval_ms=betting.keeper_interval_ms)


def _rules(settings: Settings, house: House) -> BettingRules:
    betting = settings.betting
    return BettingRules(
        terms=terms_by_currency(house.limits, house.rates),
        in_play_delay_ms=house.in_play_delay_ms,
        answer_timeout_ms=betting.answer_timeout_ms,
        in_flight_max=betting.in_flight_max,
        in_flight_of_player_max=betting.in_flight_of_player_max,
    )
