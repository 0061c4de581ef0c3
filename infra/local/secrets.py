"""Secrets of a local system: made once at random, kept in a file that only this user can read."""

from __future__ import annotations

import fcntl
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from infra.local.private import write_private

if TYPE_CHECKING:
    from infra.settings import Settings

HOUSE_PROVIDER: Final = "house"
PROVIDERS = ("sim-alpha", "sim-bravo", "sim-charlie", "uof", "betfair", HOUSE_PROVIDER)
KEY_BYTES: Final = 32
PASSWORD_BYTES: Final = 12
FILE_NAME: Final = "secrets.json"
# What people type is shorter, and may be any text; the rest stands unquoted in addresses and configurations.
TYPED: Final = ("trader_password", "simulated_player_password")

_UNQUOTED = re.compile(r"[A-Za-z0-9_-]{16,}")


class SecretsRefused(Exception):
    """The secrets are not there where they must be, or are not what they must be; the message says what would do."""


@dataclass(frozen=True, slots=True)
class LocalSecrets:
    """What everybody on this machine proves themselves with.

    Attributes:
        provider_api_keys: API key of each provider.
        trader_password: Password of the user `trader`.
        simulated_player_password: Password of every simulated bettor.
        postgres_password: Of our user at PostgreSQL; so the next three at their servers.
        session_key: Signs the records of sessions, so that the store that keeps them cannot make one.
        edge_key: What the proxy proves to the gateway with that an address is one it saw.
        card_provider_api_key: What we prove to the card provider with that it is us who ask.
        card_provider_webhook_key: What it signs with what it tells.
        exclusion_register_key: What we prove ourselves to the register of exclusions with.
    """

    provider_api_keys: dict[str, str]
    trader_password: str
    simulated_player_password: str
    postgres_password: str
    redis_password: str
    kafka_password: str
    clickhouse_password: str
    session_key: str
    edge_key: str
    card_provider_api_key: str
    card_provider_webhook_key: str
    exclusion_register_key: str

    @classmethod
    def load(cls, settings: Settings) -> LocalSecrets:
        """Read the secrets of this profile; make what is not there yet, where only this machine can knock.

        Raises:
            SecretsRefused: If the host is open to others and a secret is missing, or one has a form that none may have.
        """
        known = _read(settings)
        if not _is_complete(known):
            _expect_loopback(settings)
            with alone(settings):
                known = _complete(_read(settings))
                write_private(settings.profile_dir / FILE_NAME, json.dumps(known, indent=2))
        loaded = cls(**{field.name: known[field.name] for field in fields(cls)})
        loaded._expect_usable()
        return loaded

    def _expect_usable(self) -> None:
        for name, secret in asdict(self).items():
            if name in _NAMES and name not in TYPED and not _UNQUOTED.fullmatch(secret):
                raise SecretsRefused(f"Secret {name} must be 16 or more of A-Z a-z 0-9 _ -, has another form")


_NAMES: Final = tuple(field.name for field in fields(LocalSecrets) if field.name != "provider_api_keys")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(settings: Settings) -> dict[str, Any]:
    path = settings.profile_dir / FILE_NAME
    if not path.exists():
        return {}
    path.chmod(0o600)
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return known


def _is_complete(known: dict[str, Any]) -> bool:
    return all(known.get(name) for name in _NAMES) and set(PROVIDERS) <= set(known.get("provider_api_keys", {}))


def _complete(known: dict[str, Any]) -> dict[str, Any]:
    keys = {name: secrets.token_urlsafe(KEY_BYTES) for name in PROVIDERS} | known.get("provider_api_keys", {})
    made = {name: secrets.token_urlsafe(PASSWORD_BYTES if name in TYPED else KEY_BYTES) for name in _NAMES}
    return {"provider_api_keys": keys} | {name: known.get(name) or made[name] for name in _NAMES}


def _expect_loopback(settings: Settings) -> None:
    if not is_loopback(settings.host):
        raise SecretsRefused(
            f"Host {settings.host} can be reached by others, so its servers' passwords must be in "
            f"{settings.profile_dir / FILE_NAME} before anything listens there, and are not all: start once with "
            f"OVERROUND_HOST=127.0.0.1, which makes them, or write {', '.join(_NAMES)} there yourself"
        )


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Let nobody else make secrets of this profile while this is entered."""
    settings.profile_dir.mkdir(parents=True, exist_ok=True)
    with (settings.profile_dir / "secrets.lock").open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
