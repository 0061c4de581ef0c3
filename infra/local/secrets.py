"""Secrets of a local system: made once at random, kept in a file that only this user can read."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass

from infra.local.private import write_private
from infra.settings import Settings

PROVIDERS = ("sim-alpha", "sim-bravo", "sim-charlie", "uof", "betfair")
API_KEY_BYTES = 32
PASSWORD_BYTES = 12


@dataclass(frozen=True, slots=True)
class LocalSecrets:
    """What providers, the trading desk and simulated bettors log in with on this machine.

    Attributes:
        provider_api_keys: API key of each provider.
        trader_password: Password of the user `trader`.
        simulated_player_password: Password of every simulated bettor.
        edge_key: What the proxy proves to the gateway with that an address is one it saw.
    """

    provider_api_keys: dict[str, str]
    trader_password: str
    simulated_player_password: str
    edge_key: str

    @classmethod
    def load(cls, settings: Settings) -> LocalSecrets:
        """Read the secrets of this profile; make what is not there yet."""
        path = settings.profile_dir / "secrets.json"
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        keys = {name: secrets.token_urlsafe(API_KEY_BYTES) for name in PROVIDERS} | known.get("provider_api_keys", {})
        passwords = {
            name: known.get(name) or secrets.token_urlsafe(PASSWORD_BYTES)
            for name in ("trader_password", "simulated_player_password", "edge_key")
        }
        loaded = cls(provider_api_keys=keys, **passwords)
        if asdict(loaded) != known:
            loaded._save(settings)
        return loaded

    def _save(self, settings: Settings) -> None:
        settings.profile_dir.mkdir(parents=True, exist_ok=True)
        write_private(settings.profile_dir / "secrets.json", json.dumps(asdict(self), indent=2))
