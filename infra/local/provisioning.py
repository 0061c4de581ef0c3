"""What a fresh local system needs in its database: the providers' keys and the desk's user."""

from __future__ import annotations

from infra.local.secrets import LocalSecrets
from infra.settings import Settings
from infra.stores.feed_keys import provision_feed_keys
from infra.stores.players_provision import provision_trader


async def provision(settings: Settings) -> None:
    """Make the local secrets valid; those that are valid already stay as they are."""
    secrets = LocalSecrets.load(settings)
    await provision_feed_keys(settings, secrets.provider_api_keys)
    await provision_trader(settings, secrets)
