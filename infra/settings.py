"""Every setting, with its unit in its name. Nothing else reads the environment.

`OVERROUND_PORTS__KAFKA=19092` sets `Settings.ports.kafka`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from infra.local.secrets import LocalSecrets
from odds.start_guard import StartGuard

ROOT = Path(__file__).resolve().parent.parent
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
    """What bets are taken, in minor units of the book currency, and how long an answer may take."""

    currency: str = "EUR"
    stake_minor_min: int = Field(default=10, ge=1)
    stake_minor_max: int = Field(default=100_000, ge=1, le=10**11)
    payout_minor_max: int = Field(default=2_500_000, ge=1, le=10**11)
    market_loss_minor_max: int = Field(default=5_000_000, ge=0, le=10**12)
    side_market_factor_milli: int = Field(default=500, ge=0, le=1_000)
    in_play_factor_milli: int = Field(default=500, ge=0, le=1_000)
    in_play_delay_ms: int = Field(default=2_000, ge=0, le=2_800)
    answer_timeout_ms: int = Field(default=1_700, ge=100, le=3_000)
    player_stakes_max: int = Field(default=5, ge=1, le=1_000)
    in_flight_max: int = Field(default=2_000, ge=1)
    in_flight_of_player_max: int = Field(default=32, ge=1)
    risk_timeout_ms: int = Field(default=300, ge=10)
    risk_connections_max: int = Field(default=16, ge=1)
    watchers_max: int = Field(default=2_000, ge=1)
    keeper_interval_ms: int = Field(default=1_000, ge=10)
    keeper_compare_interval_ms: int = Field(default=10_000, ge=0)
    keeper_lock_ms: int = Field(default=10_000, ge=1_000)
    reservation_age_ms_max: int = Field(default=30_000, ge=100)
    deposit_minor_max: int = Field(default=1_000_000, ge=1)


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
    address_desks_max: int = Field(default=20, ge=1)
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


class MarginRule(Section):
    """What prices are to sum to, per winner, in some markets; an empty name stands for all.

    The rule that names most holds: the type of market counts before the tier, the tier before the sport, the sport
    before the phase. One without a type of market leaves markets of more than four outcomes alone.
    """

    overround: float = Field(ge=1.0, le=3.0)
    sport: str = ""
    tier: str = ""
    market_type: str = ""
    phase: Literal["any", "pre_match", "in_play"] = "any"


class ProviderRight(Section):
    """What a provider may decide about fixtures of a sport; an empty name stands for all.

    Nobody decides anything about a fixture that it does not quote, and without a rule nobody settles or cancels what
    others quote too unless it brought the market and is believed about the match: that goes to a person. The rule that
    names most holds: a provider counts before a feed with all its products ("uof"), a feed before the sport.
    """

    provider: str = ""
    sport: str = ""
    may_quote: bool = True
    may_tell_state: bool = True
    may_settle: bool = True
    may_cancel: bool = True
    may_decide_shared: bool = False  # its results count also for markets that others brought or lead
    is_official: bool = False  # its results count for all markets of a fixture that it quotes
    rank: int = Field(default=0, ge=-100, le=100)  # the least settles, and ends a match alone


SIMULATION_RIGHTS = (ProviderRight(provider="sim-alpha", is_official=True),)
"""What counts for settlement is told by one of the simulation's providers, also where it was silent over a market."""


FOOTBALL_MARGINS = (
    MarginRule(sport="football", phase="in_play", overround=1.06),
    MarginRule(sport="football", tier="top", overround=1.045),
    MarginRule(sport="football", tier="top", phase="in_play", overround=1.055),
    MarginRule(sport="football", market_type="correct_score", overround=1.18),
    MarginRule(sport="football", market_type="correct_score", phase="in_play", overround=1.22),
    MarginRule(sport="football", market_type="half_time_full_time", overround=1.16),
)
TOP_COMPETITIONS = (
    *("Premier League", "LaLiga", "Bundesliga", "Serie A", "Ligue 1"),
    *("UEFA Champions League", "UEFA Europa League", "FIFA World Cup", "UEFA European Championship"),
    "Premier Shield",  # the simulation's
)


LOCAL_FOOTBALL_OFFER = (
    *(f"total:{line}" for line in ("1", "1.75", "2", "2.25", "2.75", "3", "3.25")),
    *(f"handicap:{line}" for line in ("-1", "-0.75", "-0.25", "0", "0.25", "0.75", "1")),
    *(f"{side}_total:{line}" for side in ("home", "away") for line in ("0.5", "1.5", "2.5")),
    *("double_chance", "draw_no_bet", "btts", "odd_even", "correct_score", "winning_margin", "exact_goals"),
    *("goal_range", "home_clean_sheet", "away_clean_sheet", "home_win_to_nil", "away_win_to_nil"),
    *("european_handicap:-1", "european_handicap:1", "half_time_full_time", "most_goals_half"),
    *("first_half_1x2", "first_half_double_chance", "first_half_total:0.5", "first_half_total:1.5"),
    *("first_half_btts", "second_half_1x2", "second_half_total:0.5", "second_half_total:1.5"),
)
"""Settled by the scores of the halves; with what the simulation's providers quote about 160 outcomes a match."""
LOCAL_OWN_OFFERS = {
    "football": LOCAL_FOOTBALL_OFFER,
    "tennis": ("set_winner", "set_betting", "total_sets", "sets_handicap", "total_games", "games_handicap"),
}


class Pricing(Section):
    """How prices are made, and how fast.

    Where no margin rule holds, markets of more than four outcomes sum to `overround_wide`, others to `overround`.
    Beside a near certainty they sum to less: a margin put on by odds ratio would divide no odds against by more than
    `margin_odds_ratio_max`.
    A competition's tier goes by its name as the provider writes it. `own_offers` names by sport markets, or types of
    them ("total"), that we offer ourselves; unless it is set, the local profile offers a moderate list and the others
    nothing.
    A fixture that nobody calls in play is suspended so long after its scheduled start as its sport tolerates: at once
    unless `start_tolerance_ms_by_sport` names it, since prices from before the start are what is bet on late.
    """

    overround: float = Field(default=1.05, ge=1.0, le=2.0)
    overround_wide: float = Field(default=1.15, ge=1.0, le=3.0)
    margin_rules: tuple[MarginRule, ...] = FOOTBALL_MARGINS
    tier_by_competition: dict[str, str] = dict.fromkeys(TOP_COMPETITIONS, "top")
    ladder: Literal["fine", "betfair", "fractional", "american"] = "fine"
    margin_removal: Literal["power", "multiplicative", "additive", "odds_ratio", "shin", "goto"] = "power"
    margin_application: Literal["odds_ratio", "power", "multiplicative", "shin", "goto"] = "odds_ratio"
    margin_odds_ratio_max: float = Field(default=1.75, ge=1.0, le=100.0)
    providers_min: int = Field(default=1, ge=1, le=32)
    mandatory_providers: dict[str, frozenset[str]] = {}  # by sport
    provider_rights: tuple[ProviderRight, ...] = SIMULATION_RIGHTS
    end_quorum: int = Field(default=2, ge=2, le=32)
    sharpness_by_provider: dict[str, float] = {}
    age_half_life_ms: int = Field(default=20_000, ge=1)
    age_in_play_ms_max: int = Field(default=60_000, ge=1)
    age_pre_match_ms_max: int = Field(default=21_600_000, ge=1)
    outlier_logit_distance_max: float = Field(default=0.6, gt=0.0)
    model_error_max: float = Field(default=0.02, ge=0.0, le=1.0)  # 0 prices all markets one by one
    model_logit_distance_max: float = Field(default=0.6, gt=0.0)
    own_offers: dict[str, tuple[str, ...]] | None = None  # by sport
    kept_overround_tolerance: float = Field(default=0.005, ge=0.0, le=0.1)
    kept_return_max: float = Field(default=0.99, ge=0.0, lt=1.0)
    bet_stop_margin_ms: int = Field(default=30_000, ge=0)
    start_tolerance_ms: int = Field(default=0, ge=0)
    start_tolerance_ms_by_sport: dict[str, int] = {}
    clock_stale_ms: int = Field(default=30_000, ge=100)
    provider_timeout_ms: int = Field(default=15_000, ge=100)
    fetch_spacing_ms_max: int = Field(default=20, ge=0, le=1_000)
    batch_fixtures_max: int = Field(default=256, ge=1, le=10_000)
    retention_s: int = Field(default=86_400, ge=1)
    redis_timeout_ms: int = Field(default=1_000, ge=10)

    @property
    def start_guard(self) -> StartGuard:
        """From when on a fixture that nobody calls in play takes no bets."""
        by_sport = {sport: tolerance_ms * 1_000 for sport, tolerance_ms in self.start_tolerance_ms_by_sport.items()}
        return StartGuard(self.start_tolerance_ms * 1_000, by_sport)


class Settings(BaseSettings):
    """All settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix="OVERROUND_", env_nested_delimiter="__", frozen=True, extra="forbid", env_ignore_empty=True
    )

    profile: Profile = "local"
    jurisdiction: str = Field(default="default", pattern=r"^[a-z][a-z0-9_-]{0,31}$")
    host: str = "127.0.0.1"
    data_dir: Path = ROOT / ".local"
    ports: Ports = Ports()
    kafka: Kafka = Kafka()
    postgres: Postgres = Postgres()
    ledger: Ledger = Ledger()
    relay: Relay = Relay()
    audit: Audit = Audit()
    betting: Betting = Betting()
    sessions: Sessions = Sessions()
    passwords: Passwords = Passwords()
    sources: Sources = Sources()
    feeds: Feeds = Feeds()
    gateway: Gateway = Gateway()
    redis: Redis = Redis()
    clickhouse: ClickHouse = ClickHouse()
    simulation: Simulation = Simulation()
    agents: Agents = Agents()
    pricing: Pricing = Pricing()

    @property
    def own_offers(self) -> Mapping[str, tuple[str, ...]]:
        """By sport, markets that we offer ourselves."""
        by_profile = LOCAL_OWN_OFFERS if self.profile == "local" else {}
        return by_profile if self.pricing.own_offers is None else self.pricing.own_offers

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
    def _secrets(self) -> LocalSecrets:
        """Read when they are needed: no settings carry them, so none can print, dump or pass them on."""
        return LocalSecrets.load(self)

    def environment(self) -> dict[str, str]:
        """Return what another process needs in its environment to load these very settings."""
        return {
            f"OVERROUND_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in self.model_dump(mode="json").items()
        }


class SettingsRefused(Exception):
    """A setting is not what it must be; the message names its variable."""


def load_settings(profile: Profile | None = None) -> Settings:
    """Read the environment; the test profile listens on ports of its own unless they are set.

    Raises:
        SettingsRefused: With a line for every setting that is wrong.
    """
    try:
        settings = Settings() if profile is None else Settings(profile=profile)
    except ValidationError as error:
        raise SettingsRefused("\n".join(_describe(wrong) for wrong in error.errors())) from None
    except SettingsError as error:
        raise SettingsRefused(f"{error}: expected JSON") from None
    if settings.profile != "test":
        return settings
    return settings.model_copy(update={"ports": settings.ports.shifted(TEST_PORT_OFFSET)})


def _describe(wrong: ErrorDetails) -> str:
    variable = "OVERROUND_" + "__".join(str(part).upper() for part in wrong["loc"])
    return f"{variable} is {wrong['input']!r}: {wrong['msg']}"
