"""Players: how they register and log in, and their money."""

from __future__ import annotations

from gateway.auth import Authenticator
from gateway.player_service import PlayerService
from gateway.wallet_service import WalletService
from infra.processes.parts.access import make_sessions
from infra.processes.parts.part import Part
from infra.processes.parts.shared import Shared
from infra.stores.log_in_attempts import RedisLogInAttempts
from infra.stores.passwords import Argon2Passwords
from infra.stores.postgres_players import PostgresPlayers
from infra.stores.postgres_wallet import PostgresWallet
from pam.registration import Registration


def make_players(shared: Shared, auth: Authenticator) -> Part:
    """Return players and their wallets."""
    settings, permits = shared.settings, shared.permits
    wallet = PostgresWallet(shared.postgres)
    passwords = Argon2Passwords(settings.passwords)
    shared.stack.callback(passwords.close)
    registration = Registration(
        players=PostgresPlayers(shared.log_in_postgres),
        passwords=passwords,
        sessions=make_sessions(settings, redis=shared.redis, clock=shared.clock),
        attempts=RedisLogInAttempts(shared.redis, settings.sessions, clock=shared.clock),
        rates=shared.house.rates,
    )
    money = WalletService(
        permits=permits,
        wallet=wallet,
        is_test_money_allowed=settings.profile in {"local", "test"},
        deposit_minor_max=shared.house.deposit_minor_max,
        rates=shared.house.rates,
    )
    players = PlayerService(auth=auth, permits=permits, registration=registration, wallet=wallet)
    return Part(services=(players, money))
