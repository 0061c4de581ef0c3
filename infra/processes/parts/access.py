"""Who calls: sessions, and what stands before every method."""

from __future__ import annotations

from redis.asyncio import Redis

from gateway.auth import Authenticator
from gateway.player_follower import PlayerFollower
from gateway.rpc.door import Door
from gateway.source import AddressOf, address_reader
from infra.local.secrets import LocalSecrets
from infra.processes.parts.logs import PLAYER_LOG
from infra.processes.parts.part import Follower, Part
from infra.processes.parts.shared import Shared
from infra.settings import Settings
from infra.stores.postgres import PostgresPool
from infra.stores.postgres_players import PostgresPlayers
from infra.stores.sessions import RedisSessions
from kernel.clock import Clock


def make_sessions(settings: Settings, *, redis: Redis, clock: Clock) -> RedisSessions:
    """Return where sessions are kept."""
    return RedisSessions(redis, settings.sessions, signing_key=LocalSecrets.load(settings).session_key, clock=clock)


async def open_door(shared: Shared) -> tuple[Authenticator, Door]:
    """Return what finds sessions, and what stands before every method of a process.

    Whose a session is has connections of its own: neither bets nor log-ins keep who is logged in waiting.
    """
    settings, sessions = shared.settings, shared.settings.sessions
    postgres = await shared.servers.postgres(
        part="sessions", connections_max=sessions.connections_max, timeout_ms=sessions.timeout_ms
    )
    auth = make_authenticator(settings, redis=shared.redis, postgres=postgres, clock=shared.clock)
    address_of = address_reader(LocalSecrets.load(settings).edge_key)
    return auth, make_door(settings, auth, address_of=address_of, clock=shared.clock)


def make_access(auth: Authenticator) -> Part:
    """Return what lets sessions and streams follow how their players stand."""
    return Part(followers=(Follower(PLAYER_LOG, PlayerFollower(auth).apply),))


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
            "sockets": sources.address_sockets_max,
            "bet builders": sources.address_bet_builders_max,
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
