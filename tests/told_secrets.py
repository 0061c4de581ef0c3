"""Where a running system could tell a secret: command lines, environments, logs, settings."""

from __future__ import annotations

from pathlib import Path

import psutil

from infra.local.secrets import LocalSecrets
from infra.settings import Settings
from tests.running_system import running


def places_that_tell_a_secret(settings: Settings) -> list[str]:
    """Return every place in which one of the system's secrets can be read by who should not."""
    places = _places(settings)
    assert len(places) > len(running(settings).programs)
    secrets = _secrets_of(settings)
    return [place for place, text in places.items() if any(secret in text for secret in secrets)]


def _places(settings: Settings) -> dict[str, str]:
    places = {f"settings for other processes: {name}": value for name, value in settings.environment().items()}
    places["settings"] = repr(settings)
    for process in psutil.process_iter(["pid", "cmdline"]):
        places[f"command line of {process.info['pid']}"] = " ".join(process.info["cmdline"] or ())
    for program in running(settings).programs:
        places[f"environment of {program.name}"] = _read(Path(f"/proc/{program.pid}/environ"))
        places[f"log of {program.name}"] = _read(Path(program.log))
    places["output"] = _read(settings.profile_dir / "supervisor.log")
    return places


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _secrets_of(settings: Settings) -> list[str]:
    secrets = LocalSecrets.load(settings)
    return [
        *(secrets.postgres_password, secrets.redis_password, secrets.kafka_password, secrets.clickhouse_password),
        *(secrets.session_key, secrets.edge_key, secrets.trader_password, secrets.simulated_player_password),
        *secrets.provider_api_keys.values(),
    ]
