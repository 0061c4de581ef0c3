"""Players: how they register and log in, and their money."""

from __future__ import annotations

import uuid

from compliance.admission import Admission
from compliance.ports import ExclusionRegister
from compliance.protection import Protection
from gateway.auth import Authenticator
from gateway.player_service import PlayerService
from gateway.protection_service import ProtectionService
from gateway.wallet_service import WalletService
from infra.local.secrets import LocalSecrets
from infra.processes.parts.access import make_sessions
from infra.processes.parts.part import Part
from infra.processes.parts.shared import Shared
from infra.stores.gamstop import Gamstop
from infra.stores.log_in_attempts import RedisLogInAttempts
from infra.stores.passwords import Argon2Passwords
from infra.stores.postgres_persons import PostgresPersons
from infra.stores.postgres_players import PostgresPlayers
from infra.stores.postgres_protection import PostgresProtection
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
    protection = Protection(permits=permits, store=PostgresProtection(shared.postgres))
    money = WalletService(
        permits=permits,
        protection=protection,
        wallet=wallet,
        is_test_money_allowed=settings.profile in {"local", "test"},
        deposit_minor_max=shared.house.deposit_minor_max,
        rates=shared.house.rates,
    )
    admission = Admission(
        permits=permits,
        registration=registration,
        registers=_registers(shared),
        persons=PostgresPersons(shared.log_in_postgres),
        new_id=uuid.uuid4,
    )
    players = PlayerService(auth=auth, admission=admission, registration=registration, wallet=wallet)
    return Part(services=(players, money, ProtectionService(auth=auth, permits=permits, protection=protection)))


def _registers(shared: Shared) -> dict[str, ExclusionRegister]:
    """Return those that can be asked, by their name in the rules."""
    settings = shared.settings
    if not settings.gamstop_url:
        return {}
    gamstop = Gamstop(
        settings.gamstop_url,
        api_key=LocalSecrets.load(settings).exclusion_register_key,
        timeout_ms=settings.exclusion_registers.timeout_ms,
        connections_max=settings.exclusion_registers.connections_max,
    )
    shared.stack.push_async_callback(gamstop.close)
    return {"gamstop": gamstop}
