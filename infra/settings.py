"""Every setting, with its unit in its name: addresses, time-outs, sizes. Nothing else reads the environment.

What the house decides (margins, limits, offers) stands in the files of `house_dir`: see infra/house.py.

`OVERROUND_PORTS__KAFKA=19092` sets `Settings.ports.kafka`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from infra.local.secrets import LocalSecrets

ROOT = Path(__file__).resolve().parent.parent
HOUSE_DIR = ROOT / "house"
TEST_HOUSE_DIR = ROOT / "tests" / "house"
TEST_PORT_OFFSET = 10_200  # the test profile runs beside the local one

Profile = Literal["local", "test", "production"]
PortNumber = Annotated[int, Field(ge=1, le=65_535)]


class Section(BaseModel):
    """A group of settings; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Ports(Section):
    """Where each server listens, on the loopback address in the local profile."""

    web: PortNumber = 8080
    gateway_grpc: PortNumber = 18081
    gateway_http: PortNumber = 18082
    gateway_health: PortNumber = 18083
    kafka: PortNumber = 18092
    kafka_controller: PortNumber = 18093
    postgres: PortNumber = 18432
    redis: PortNumber = 18379
    clickhouse: PortNumber = 18900
    clickhouse_http: PortNumber = 18123
    pricing_http: PortNumber = 18084
    risk_http: PortNumber = 18085
    settlement_http: PortNumber = 18086
    history_http: PortNumber = 18087
    relay_http: PortNumber = 18088
    simulation_http: PortNumber = 18089
    doors_http: PortNumber = 18090
    doors_health: PortNumber = 18091
    card_provider: PortNumber = 18100
    card_provider_http: PortNumber = 18101
    exclusion_register: PortNumber = 18104
    exclusion_register_http: PortNumber = 18105
    bank_provider: PortNumber = 18102
    bank_provider_http: PortNumber = 18103

    def shifted(self, by: int) -> Ports:
        """Return the same ports moved by `by`; those set by hand stay."""
        names = set(type(self).model_fields) - self.model_fields_set
        return self.model_copy(update={name: getattr(self, name) + by for name in names})


class Kafka(Section):
    """Kafka topics and clients."""

    user: str = "overround"
    partitions: int = Field(default=2, ge=1, le=1024)
    replication_factor: int = Field(default=1, ge=1, le=5)
    consumer_group_prefix: str = "overround"
    session_timeout_ms: int = Field(default=3_000, ge=1_000)
    delivery_timeout_ms: int = Field(default=10_000, ge=1_000)
    heap_mb_max: int = Field(default=320, ge=128)


class Postgres(Section):
    """Which database on the PostgreSQL server."""

    user: str = "overround"
    database: str = "overround"


class Ledger(Section):
    """How the ledger is reached, and how waiting bets share a commit."""

    connections_max: int = Field(default=8, ge=2, le=100)
    statement_timeout_ms: int = Field(default=1_200, ge=100)
    answer_timeout_ms: int = Field(default=1_500, ge=100)
    batch_bets_max: int = Field(default=128, ge=1, le=1_000)
    batches_at_once_max: int = Field(default=2, ge=1, le=16)
    waiting_bets_max: int = Field(default=2_000, ge=1)
    refusals_of_player_an_hour_max: int = Field(default=500, ge=1)
    settlement_timeout_ms: int = Field(default=10_000, ge=100)


class Relay(Section):
    """How the outbox is published, the transfers are chained, and what is published is pruned."""

    page_rows_max: int = Field(default=1_000, ge=1, le=10_000)
    poll_ms: int = Field(default=50, ge=1)
    retry_ms: int = Field(default=500, ge=10)
    statement_timeout_ms: int = Field(default=5_000, ge=100)
    chain_interval_ms: int = Field(default=1_000, ge=10)
    chain_block_rows_max: int = Field(default=1_000, ge=1, le=100_000)
    anchor_interval_ms: int = Field(default=10_000, ge=10)
    lag_ms_max: int = Field(default=10_000, ge=1_000)
    prune_interval_ms: int = Field(default=30_000, ge=10)
    published_kept_s: int = Field(default=3_600, ge=0)


class Betting(Section):
    """How many bets are taken at once, how long an answer may take; limits and currencies are the house's."""

    answer_timeout_ms: int = Field(default=1_700, ge=100, le=3_000)
    in_flight_max: int = Field(default=2_000, ge=1)
    in_flight_of_player_max: int = Field(default=32, ge=1)
    risk_timeout_ms: int = Field(default=300, ge=10)
    risk_connections_max: int = Field(default=16, ge=1)
    watchers_max: int = Field(default=2_000, ge=1)
    keeper_interval_ms: int = Field(default=1_000, ge=10)
    keeper_compare_interval_ms: int = Field(default=10_000, ge=0)
    keeper_lock_ms: int = Field(default=10_000, ge=1_000)
    reservation_age_ms_max: int = Field(default=30_000, ge=100)


class Sessions(Section):
    """How long sessions last, how often a log-in may be tried, and connections of their own, apart from the bets'.

    `log_in_attempts_max` wrong log-ins of a name from an address, or of any names from it, are free; those beyond have
    to keep a distance that doubles from one to the next, until nothing was tried for `log_in_window_s`.
    """

    idle_s: int = Field(default=6 * 3_600, ge=1)
    age_s_max: int = Field(default=24 * 3_600, ge=1)
    timeout_ms: int = Field(default=500, ge=10)
    cache_ms: int = Field(default=2_000, ge=0, le=2_000)
    cache_entries_max: int = Field(default=20_000, ge=1)
    connections_max: int = Field(default=4, ge=1, le=100)
    log_in_connections_max: int = Field(default=4, ge=1, le=100)
    log_in_attempts_max: int = Field(default=10, ge=1)
    log_in_attempts_by_address_max: int = Field(default=50, ge=1)
    log_in_delay_ms_min: int = Field(default=1_000, ge=1)
    log_in_delay_ms_max: int = Field(default=60_000, ge=1)
    log_in_window_s: int = Field(default=300, ge=1)


class Passwords(Section):
    """Cost of Argon2id: the second recommended choice of RFC 9106, for when memory is scarce.

    Log-ins, those of traders, and registrations have threads and a queue each, so that none keeps another waiting.
    """

    memory_kib: int = Field(default=65_536, ge=8)
    iterations: int = Field(default=3, ge=1)
    lanes: int = Field(default=4, ge=1)
    threads: int = Field(default=2, ge=1)
    trader_threads: int = Field(default=1, ge=1)
    registration_threads: int = Field(default=1, ge=1)
    waiting_max: int = Field(default=64, ge=1)


class ExclusionRegisters(Section):
    """Where registers of exclusions are asked, and how long an answer may take; who has none in time is not let in.

    Where no address is named, the local and the test profile ask the simulated register, and production none.
    """

    gamstop_url: str = ""
    timeout_ms: int = Field(default=5_000, ge=100, le=10_000)
    connections_max: int = Field(default=16, ge=1, le=256)


class Sources(Section):
    """What one source may take before anybody else's share is touched.

    An address is what the proxy saw, an IPv6 one with its whole network. `trusted_proxies` says how many proxies of
    our own stand before ours and add to x-forwarded-for. Who has a stream and reads nothing from it for
    `unread_stream_s` loses it.
    """

    requests_per_s_max: int = Field(default=500, ge=1)
    requests_burst_max: int = Field(default=2_000, ge=1)
    addresses_max: int = Field(default=10_000, ge=1)
    trusted_proxies: int = Field(default=0, ge=0, le=8)
    unread_stream_s: int = Field(default=60, ge=1)
    address_calls_max: int = Field(default=256, ge=1)
    address_book_streams_max: int = Field(default=100, ge=1)
    address_bet_streams_max: int = Field(default=200, ge=1)
    address_bet_builders_max: int = Field(default=4, ge=1)
    address_desks_max: int = Field(default=20, ge=1)
    address_sockets_max: int = Field(default=50, ge=1)
    address_feeds_max: int = Field(default=32, ge=1)
    address_log_ins_max: int = Field(default=8, ge=1)
    address_registrations_max: int = Field(default=8, ge=1)
    account_calls_max: int = Field(default=64, ge=1)
    account_bet_streams_max: int = Field(default=10, ge=1)
    account_desks_max: int = Field(default=10, ge=1)


class Feeds(Section):
    """Providers: their silence, and what a stream of theirs may have on its way."""

    provider_timeout_ms: int = Field(default=3_000, ge=100, le=600_000)
    in_flight_updates_max: int = Field(default=1_000, ge=1, le=50_000)
    idle_timeout_ms: int = Field(default=60_000, ge=100)
    acknowledge_interval_ms: int = Field(default=50, ge=1, le=1_000)


class Gateway(Section):
    """Who may watch, how old a sign of life of pricing may be, and what the gateway itself asks of servers."""

    heartbeat_age_ms_max: int = Field(default=1_500, ge=100)
    watchers_max: int = Field(default=1_000, ge=1)
    desks_max: int = Field(default=50, ge=1)
    redis_connections_max: int = Field(default=8, ge=1)
    redis_timeout_ms: int = Field(default=500, ge=10)
    health_timeout_ms: int = Field(default=1_000, ge=10)
    explanation_timeout_ms: int = Field(default=2_000, ge=10)


class Doors(Section):
    """The HTTP doors: connections at once, and how long one may be silent; longer than the proxy keeps it."""

    connections_max: int = Field(default=2_048, ge=1)
    keep_alive_s: int = Field(default=75, ge=1)


class Audit(Section):
    """How long the audit waits for what follows the ledger to catch up: ClickHouse, exposure, liability."""

    copy_timeout_s: float = Field(default=15, ge=0)


class Redis(Section):
    """Which database on the Redis server, and how large it may grow."""

    database: int = Field(default=0, ge=0, le=63)
    memory_mb_max: int = Field(default=256, ge=16)


class ClickHouse(Section):
    """Which database on the ClickHouse server, and how much one query may take."""

    user: str = "default"
    database: str = "overround"
    query_memory_mb_max: int = Field(default=400, ge=64)


class Simulation(Section):
    """The simulated match day: a day takes half an hour at twenty times the speed of life."""

    seed: int = Field(default=7, ge=0)
    speed: float = Field(default=20.0, gt=0, le=1_000)
    match_count: int = Field(default=48, ge=1, le=1_000)
    population: int = Field(default=60, ge=1, le=10_000)


class Agents(Section):
    """How much the liability, settlement and history agents take at once."""

    liability_interval_ms: int = Field(default=100, ge=1)
    redis_timeout_ms: int = Field(default=1_000, ge=10)
    settlement_page_bets_max: int = Field(default=500, ge=1, le=10_000)
    settlement_workers: int = Field(default=3, ge=1, le=32)
    history_block_rows_max: int = Field(default=10_000, ge=1, le=100_000)
    history_block_interval_ms: int = Field(default=2_000, ge=0)


class Pricing(Section):
    """How fast prices are made, and how long a fixture that is over is held; how they are made says the house."""

    fetch_spacing_ms_max: int = Field(default=20, ge=0, le=1_000)
    batch_fixtures_max: int = Field(default=256, ge=1, le=10_000)
    retention_s: int = Field(default=86_400, ge=1)
    redis_timeout_ms: int = Field(default=1_000, ge=10)


class Payments(Section):
    """How payment providers are reached, and how long their answers are waited for.

    Where no address of a provider is set, the local and test profiles have a simulated one; elsewhere it is not used.
    So with the files of keys, ours (private) and the bank's (public), in PEM.
    """

    card_provider_url: str = ""
    bank_provider_url: str = ""
    bank_username: str = "overround"
    bank_own_key_path: Path | None = None
    bank_their_key_path: Path | None = None
    answer_timeout_ms: int = Field(default=3_000, ge=10, le=10_000)
    connections_max: int = Field(default=32, ge=1)


class Settings(BaseSettings):
    """All settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix="OVERROUND_", env_nested_delimiter="__", frozen=True, extra="forbid", env_ignore_empty=True
    )

    profile: Profile = "local"
    jurisdiction: str = Field(default="default", pattern=r"^[a-z][a-z0-9_-]{0,31}$")
    host: str = "127.0.0.1"
    data_dir: Path = ROOT / ".local"
    house_dir: Path = HOUSE_DIR
    ports: Ports = Ports()
    kafka: Kafka = Kafka()
    postgres: Postgres = Postgres()
    ledger: Ledger = Ledger()
    relay: Relay = Relay()
    audit: Audit = Audit()
    betting: Betting = Betting()
    sessions: Sessions = Sessions()
    passwords: Passwords = Passwords()
    exclusion_registers: ExclusionRegisters = ExclusionRegisters()
    sources: Sources = Sources()
    feeds: Feeds = Feeds()
    gateway: Gateway = Gateway()
    doors: Doors = Doors()
    redis: Redis = Redis()
    clickhouse: ClickHouse = ClickHouse()
    simulation: Simulation = Simulation()
    agents: Agents = Agents()
    pricing: Pricing = Pricing()
    payments: Payments = Payments()

    @property
    def profile_dir(self) -> Path:
        """Where everything of this profile is kept."""
        return (self.data_dir / self.profile).absolute()

    @property
    def jars_dir(self) -> Path:
        """The broker's jars, shared by all profiles."""
        return ROOT / ".local" / "kafka" / "libs"

    @property
    def postgres_dsn(self) -> str:
        """The database, for asyncpg and psycopg; a secret, as the next three are."""
        who = f"{self.postgres.user}:{self._secrets.postgres_password}"
        return f"postgresql://{who}@{self.host}:{self.ports.postgres}/{self.postgres.database}"

    @property
    def redis_url(self) -> str:
        """The Redis database."""
        return f"redis://:{self._secrets.redis_password}@{self.host}:{self.ports.redis}/{self.redis.database}"

    @property
    def kafka_bootstrap(self) -> str:
        """The first broker to ask."""
        return f"{self.host}:{self.ports.kafka}"

    @property
    def kafka_client(self) -> dict[str, str]:
        """What every client of librdkafka needs to be let in."""
        return {
            "bootstrap.servers": self.kafka_bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": self.kafka.user,
            "sasl.password": self._secrets.kafka_password,
        }

    @property
    def clickhouse_dsn(self) -> str:
        """The ClickHouse database, native protocol."""
        who = f"{self.clickhouse.user}:{self._secrets.clickhouse_password}"
        return f"clickhouse://{who}@{self.host}:{self.ports.clickhouse}/{self.clickhouse.database}"

    @property
    def gamstop_url(self) -> str:
        """Where the register GAMSTOP is asked; empty where it is not."""
        simulated = f"http://{self.host}:{self.ports.exclusion_register}/v2" if self.has_simulated_parties else ""
        return self.exclusion_registers.gamstop_url or simulated

    @property
    def _secrets(self) -> LocalSecrets:
        """Read when they are needed: no settings carry them, so none can print, dump or pass them on."""
        return LocalSecrets.load(self)

    @property
    def has_simulated_parties(self) -> bool:
        """Whether simulated outside parties stand in for real ones."""
        return self.profile in {"local", "test"}

    @property
    def card_provider_url(self) -> str:
        """Where the card provider is; empty for none."""
        simulated = f"http://{self.host}:{self.ports.card_provider}" if self.has_simulated_parties else ""
        return self.payments.card_provider_url or simulated

    @property
    def bank_provider_url(self) -> str:
        """Where the bank provider is; empty for none."""
        simulated = f"http://{self.host}:{self.ports.bank_provider}/api/1" if self.has_simulated_parties else ""
        return self.payments.bank_provider_url or simulated

    def environment(self) -> dict[str, str]:
        """Return what another process needs in its environment to load these very settings."""
        return {
            f"OVERROUND_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in self.model_dump(mode="json").items()
        }


class SettingsRefused(Exception):
    """A setting is not what it must be; the message names its variable."""


def load_settings(profile: Profile | None = None) -> Settings:
    """Read the environment; the test profile has ports and a house of its own unless they are set.

    Raises:
        SettingsRefused: With a line for every setting that is wrong.
    """
    try:
        settings = Settings() if profile is None else Settings(profile=profile)
    except ValidationError as error:
        raise SettingsRefused("\n".join(_describe(wrong) for wrong in error.errors())) from None
    except SettingsError as error:
        raise SettingsRefused(f"{error}: expected JSON") from None
    is_house_named = "house_dir" in settings.model_fields_set
    if settings.profile == "production" and not is_house_named:
        raise SettingsRefused(
            f"OVERROUND_HOUSE_DIR must name the house's own files: those in {HOUSE_DIR} are an example"
        )
    if settings.profile != "test":
        return settings
    house_dir = settings.house_dir if is_house_named else TEST_HOUSE_DIR
    return settings.model_copy(update={"ports": settings.ports.shifted(TEST_PORT_OFFSET), "house_dir": house_dir})


def _describe(wrong: ErrorDetails) -> str:
    variable = "OVERROUND_" + "__".join(str(part).upper() for part in wrong["loc"])
    return f"{variable} is {wrong['input']!r}: {wrong['msg']}"
