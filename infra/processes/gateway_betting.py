"""Composition of betting within the gateway: bets, money, players."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from redis.asyncio import Redis

from bets.placement import BetPlacement, BettingRules, BookSource
from compliance.permit import Permits
from gateway.auth import Authenticator
from gateway.bet_feed import BetFeed
from gateway.bet_observer import BetFigures, BetObserver
from gateway.bet_stream import BetStream
from gateway.betting_service import BettingService
from gateway.player_service import PlayerService
from gateway.rpc.door import Door
from gateway.rpc.methods import Service
from gateway.source import AddressOf
from gateway.wallet_service import WalletService
from infra.house import House
from infra.jurisdictions import read_jurisdiction
from infra.local.secrets import LocalSecrets
from infra.settings import Settings
from infra.stores.exposure import RedisExposure
from infra.stores.exposure_keeper import ExposureKeeper, KeepingLog
from infra.stores.kept_exposure import RedisKeptExposure
from infra.stores.log_in_attempts import RedisLogInAttempts
from infra.stores.open_bets import PostgresOpenBets
from infra.stores.passwords import Argon2Passwords
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_bets import PostgresBetLedger
from infra.stores.postgres_players import PostgresPlayers
from infra.stores.postgres_wallet import PostgresWallet
from infra.stores.redis_client import open_redis
from infra.stores.sessions import RedisSessions
from kernel.clock import Clock
from pam.registration import Registration
from risk.keeping import ExposureKeeping, KeepingRules


@dataclass(frozen=True, slots=True)
class Betting:
    """What the gateway serves of betting, feeds with changes, and keeps running.

    Attributes:
        services: Those of bets, money and players.
        feed: Takes in the records of bets.events.v1.
        keeper: Its `run` has to run as long as the gateway does.
        placement: Has to be closed while books still come, before anything else is.
    """

    services: Sequence[Service]
    feed: BetFeed
    keeper: ExposureKeeper
    placement: BetPlacement


def make_sessions(settings: Settings, *, redis: Redis, clock: Clock) -> RedisSessions:
    """Return where sessions are kept."""
    return RedisSessions(redis, settings.sessions, signing_key=LocalSecrets.load(settings).session_key, clock=clock)


def make_authenticator(settings: Settings, *, redis: Redis, postgres: PostgresPool, clock: Clock) -> Authenticator:
    """Return what finds sessions."""
    return Authenticator(
        make_sessions(settings, redis=redis, clock=clock),
        PostgresPlayers(postgres),
        clock=clock,
        cache_ms=settings.sessions.cache_ms,
        cache_entries_max=settings.sessions.cache_entries_max,
    )


def make_door(settings: Settings, auth: Authenticator, *, address_of: AddressOf, clock: Clock) -> Door:
    """Return what stands before every method, with the shares of the settings."""
    sources = settings.sources
    return Door(
        auth,
        address_of,
        clock=clock,
        calls_by_address={
            "calls": sources.address_calls_max,
            "streams of books": sources.address_book_streams_max,
            "streams of bets": sources.address_bet_streams_max,
            "desks": sources.address_desks_max,
            "streams of a feed": sources.address_feeds_max,
            "log-ins": sources.address_log_ins_max,
            "registrations": sources.address_registrations_max,
        },
        calls_by_account={
            "calls": sources.account_calls_max,
            "streams of bets": sources.account_bet_streams_max,
            "desks": sources.account_desks_max,
        },
    )


def make_betting(
    stack: AsyncExitStack,
    settings: Settings,
    *,
    house: House,
    postgres: PostgresPool,
    log_in_postgres: PostgresPool,
    redis: Redis,
    books: BookSource,
    figures: BetFigures,
    auth: Authenticator,
    clock: Clock,
) -> Betting:
    """Compose betting; what has to be closed goes onto the stack."""
    ledger = PostgresBetLedger(postgres, settings.ledger)
    stack.push_async_callback(ledger.close)
    wallet = PostgresWallet(postgres)
    # Connections of their own: what bets wait for does not queue behind anything else.
    exposure_redis = open_redis(
        settings.redis_url,
        connections_max=settings.betting.risk_connections_max,
        timeout_ms=settings.betting.risk_timeout_ms,
    )
    stack.push_async_callback(exposure_redis.aclose)
    exposure = RedisExposure(exposure_redis, clock=clock, timeout_ms=settings.betting.risk_timeout_ms)
    feed = BetFeed(watchers_max=settings.betting.watchers_max)
    permits = Permits(read_jurisdiction(settings.jurisdiction), clock=clock)
    placement = BetPlacement(
        permits=permits,
        books=books,
        exposure=exposure,
        ledger=ledger,
        observer=BetObserver(figures),
        clock=clock,
        rules=_rules(settings, house),
    )
    stream = BetStream(ledger=ledger, wallet=wallet, feed=feed, clock=clock)
    betting = BettingService(placement=placement, ledger=ledger, stream=stream)
    money = WalletService(
        permits=permits,
        wallet=wallet,
        is_test_money_allowed=settings.profile in {"local", "test"},
        deposit_minor_max=house.deposit_minor_max,
    )
    players = _make_players(
        stack,
        settings,
        postgres=log_in_postgres,
        redis=redis,
        wallet=wallet,
        auth=auth,
        permits=permits,
        clock=clock,
    )
    keeping = ExposureKeeping(
        RedisKeptExposure(
            exposure_redis,
            clock=clock,
            timeout_ms=settings.betting.risk_timeout_ms,
            lock_ms=settings.betting.keeper_lock_ms,
        ),
        PostgresOpenBets(postgres, ledger),
        observer=KeepingLog(),
        clock=clock,
        rules=KeepingRules(
            reservation_age_ms_max=settings.betting.reservation_age_ms_max,
            answer_ms_max=settings.betting.answer_timeout_ms,
            compare_interval_ms=settings.betting.keeper_compare_interval_ms,
        ),
    )
    keeper = ExposureKeeper(keeping, interval_ms=settings.betting.keeper_interval_ms)
    return Betting(
        services=[betting, money, players],
        feed=feed,
        keeper=keeper,
        placement=placement,
    )


def _make_players(
    stack: AsyncExitStack,
    settings: Settings,
    *,
    postgres: PostgresPool,
    redis: Redis,
    wallet: PostgresWallet,
    auth: Authenticator,
    permits: Permits,
    clock: Clock,
) -> PlayerService:
    passwords = Argon2Passwords(settings.passwords)
    stack.callback(passwords.close)
    registration = Registration(
        players=PostgresPlayers(postgres),
        passwords=passwords,
        sessions=make_sessions(settings, redis=redis, clock=clock),
        attempts=RedisLogInAttempts(redis, settings.sessions, clock=clock),
        currency=settings.betting.currency,
    )
    return PlayerService(auth=auth, permits=permits, registration=registration, wallet=wallet)


def _rules(settings: Settings, house: House) -> BettingRules:
    betting = settings.betting
    return BettingRules(
        table=house.limits,
        in_play_delay_ms=house.in_play_delay_ms,
        answer_timeout_ms=betting.answer_timeout_ms,
        in_flight_max=betting.in_flight_max,
        in_flight_of_player_max=betting.in_flight_of_player_max,
    )
