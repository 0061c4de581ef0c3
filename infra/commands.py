"""What the command line does: `overround --help`."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from infra.settings import Profile, Settings, SettingsRefused, load_settings
from infra.terminal import use_plain_signs
from odds.models.football.goal_family import GoalFamily

if TYPE_CHECKING:
    from infra.stores.postgres_players import PostgresPlayers

app = typer.Typer(
    name="overround",
    help="An open sportsbook and odds engine: feeds in, prices out, bets taken and settled.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

results_app = typer.Typer(help="Results that have not become money: see them, redo them, drop them.")
app.add_typer(results_app, name="results", no_args_is_help=True)
payments = typer.Typer(help="Payment providers: what they sent that fits nothing, deposits open for long.")
app.add_typer(payments, name="payments", no_args_is_help=True)
ledger = typer.Typer(help="The ledger itself.")
app.add_typer(ledger, name="ledger", no_args_is_help=True)

ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="local or test; OVERROUND_PROFILE says it too.", metavar="NAME")
]
ResultArgument = Annotated[str, typer.Argument(help="Number of a result, or id of a bet, as the list shows it.")]
ReasonOption = Annotated[str, typer.Option(help="Why; kept with the result.")]
ByOption = Annotated[str, typer.Option("--by", help="Who decides; kept with the result.")]


players = typer.Typer(help="Block a player, lift that, or end their sessions; gateways heed it within seconds.")
app.add_typer(players, name="players", no_args_is_help=True)


class ProcessName(StrEnum):
    """Our processes."""

    GATEWAY = "gateway"
    DOORS = "doors"
    PRICING = "pricing"
    RISK = "risk"
    SETTLEMENT = "settlement"
    HISTORY = "history"
    RELAY = "relay"
    SIMULATION = "simulation"
    CARD_PROVIDER = "card_provider"
    EXCLUSION_REGISTER = "exclusion_register"
    BANK_PROVIDER = "bank_provider"


@app.command()
def up(
    *,
    profile: ProfileOption = None,
    without_simulation: Annotated[
        bool, typer.Option("--without-simulation", help="Start no simulated match day.")
    ] = False,
    only_servers: Annotated[
        bool, typer.Option("--only-servers", help="Start the servers, none of our processes.")
    ] = False,
    linger_s: Annotated[float | None, typer.Option(help="Stop when nobody uses it for so long.", hidden=True)] = None,
) -> None:
    """Start the whole system and keep it running until Ctrl-C."""
    from rich.console import Console

    from infra.local.up import run_up

    code = run_up(
        _settings(profile),
        Console(),
        with_simulation=not without_simulation,
        only_servers=only_servers,
        linger_s=linger_s,
    )
    raise typer.Exit(code)


@app.command()
def process(name: ProcessName) -> None:
    """Run one of our processes in the foreground."""
    importlib.import_module(f"infra.processes.{name.value}").run(load_settings())


@app.command()
def migrate(*, profile: ProfileOption = None) -> None:
    """Apply the migrations that running servers have not seen yet."""
    from infra.local.system import migrate as apply

    for server, line in apply(_settings(profile)).items():
        typer.echo(f"{server}: {line}")


@app.command()
def status(*, profile: ProfileOption = None) -> None:
    """Show every program: its state, process, restarts, memory and ports."""
    from infra.console import whole_console
    from infra.local.status import show_status

    raise typer.Exit(show_status(_settings(profile), whole_console()))


@app.command()
def audit(
    *,
    profile: ProfileOption = None,
    clickhouse: Annotated[bool, typer.Option("--clickhouse", help="Fail where ClickHouse cannot be asked.")] = False,
) -> None:
    """Check every invariant of the ledger and print what was checked; status 1 where one is broken."""
    from infra.audit import run_audit
    from infra.console import whole_console

    raise typer.Exit(0 if run_audit(_settings(profile), whole_console(), must_check_copy=clickhouse) else 1)


@results_app.command("list")
def list_results(
    *,
    open_longer_than_h: Annotated[float, typer.Option(help="Show markets with bets open for so long.", min=0)] = 24.0,
    profile: ProfileOption = None,
) -> None:
    """Show the results that are parked, the bets that were set aside, and the markets long without a result."""
    from infra.console import whole_console
    from infra.results import DecisionRefused, show_results

    try:
        show_results(_settings(profile), whole_console(), open_longer_than_h=open_longer_than_h)
    except DecisionRefused as refusal:
        _fail(str(refusal))


@results_app.command()
def redo(name: ResultArgument, *, reason: ReasonOption, by: ByOption, profile: ProfileOption = None) -> None:
    """Apply a parked result, or what its results make of a bet that was set aside."""
    _decide_result(name, "redo", reason=reason, by=by, profile=profile)


@results_app.command()
def drop(name: ResultArgument, *, reason: ReasonOption, by: ByOption, profile: ProfileOption = None) -> None:
    """Give up a parked result, or leave a bet that was set aside as it stands."""
    _decide_result(name, "drop", reason=reason, by=by, profile=profile)


@payments.command("list")
def list_payments(
    *,
    open_longer_than_min: Annotated[float, typer.Option(help="Show deposits that are open for so long.", min=0)] = 60.0,
    profile: ProfileOption = None,
) -> None:
    """Show what providers sent that a person has to look at, and deposits of which nobody knows what became."""
    from infra.console import whole_console
    from infra.payment_findings import show_findings
    from kernel.errors import DomainError

    try:
        show_findings(_settings(profile), whole_console(), open_longer_than_min=open_longer_than_min)
    except DomainError as error:
        _fail(error.message)


@payments.command()
def reread(
    number: Annotated[int, typer.Argument(help="Number of a notification, as the list shows it.", min=1)],
    *,
    profile: ProfileOption = None,
) -> None:
    """Work once more on a notification that was complained of, once what kept it from fitting is mended."""
    from infra.payment_findings import read_again
    from kernel.errors import DomainError

    try:
        is_there = read_again(_settings(profile), number)
    except DomainError as error:
        _fail(error.message)
    if not is_there:
        _fail(f"expected a notification that was complained of, {number} is none: see `overround payments list`")
    typer.echo(f"notification {number} is worked on again")


@ledger.command("adopt")
def adopt_ledger(*, profile: ProfileOption = None) -> None:
    """Let a restored ledger go on here, once no other copy of it runs."""
    from infra.ledger_adoption import run_adoption

    typer.echo(run_adoption(_settings(profile)))


@app.command()
def topics(*, profile: ProfileOption = None) -> None:
    """List the topics with their offsets, and whether they are as declared."""
    from infra.console import whole_console
    from infra.local.topic_report import show_topics

    raise typer.Exit(show_topics(_settings(profile), whole_console()))


@app.command()
def games(*, profile: ProfileOption = None) -> None:
    """List the games of our own, each with its PAR sheet, and whether it returned what that says."""
    from infra.console import whole_console
    from infra.game_report import show_games

    raise typer.Exit(show_games(_settings(profile), whole_console()))


@app.command()
def replay(
    paths: Annotated[list[Path], typer.Argument(help="Exchange Stream files, Unified Odds Feed XML files, folders.")],
    *,
    speed: Annotated[str, typer.Option(help="max, or how much faster than it was: 50x.")] = "max",
    first: Annotated[int | None, typer.Option(help="Stop after so many messages.", min=1)] = None,
    hold_s: Annotated[float, typer.Option(help="Keep the providers up so long after the end.", min=0)] = 0.0,
    profile: ProfileOption = None,
) -> None:
    """Replay recorded feeds into the running system."""
    from rich.console import Console

    from infra.replay import run_replay

    settings = _settings(profile)
    code = run_replay(settings, Console(), paths, speed=speed, messages_max=first, hold_s=hold_s)
    raise typer.Exit(code)


@app.command()
def open_prices(
    results: Annotated[list[Path], typer.Argument(help="Past results: CSV files, football-data.co.uk's columns.")],
    *,
    fixtures: Annotated[Path, typer.Option(help="CSV file: FixtureId, Date, Time (UTC), HomeTeam, AwayTeam.")],
    model: Annotated[GoalFamily, typer.Option(help="Joint distribution of the goals.")] = GoalFamily.DIXON_COLES,
    half_life_days: Annotated[float, typer.Option(help="A match so long ago counts for half.", min=1)] = 365.0,
    hold_s: Annotated[float | None, typer.Option(help="Stop after so long; else when all have begun.", min=0)] = None,
    profile: ProfileOption = None,
) -> None:
    """Open the markets of football matches by past results, as a provider of our own, before others quote them."""
    from rich.console import Console

    from infra.open_prices import run_open_prices

    code = run_open_prices(
        _settings(profile),
        Console(),
        results=results,
        fixtures=fixtures,
        family=model,
        half_life_days=half_life_days,
        hold_s=hold_s,
    )
    raise typer.Exit(code)


@app.command()
def start(name: str, *, profile: ProfileOption = None) -> None:
    """Start a program that was stopped, and wait until it is healthy."""
    _control("start", name, profile)


@app.command()
def stop(name: str, *, profile: ProfileOption = None) -> None:
    """Stop one program of the running system; it stays stopped until `overround start`."""
    _control("stop", name, profile)


@app.command()
def kill(name: str, *, profile: ProfileOption = None) -> None:
    """Kill one program of the running system as a crash would; it heals by itself."""
    _control("kill", name, profile)


@app.command()
def down(*, profile: ProfileOption = None) -> None:
    """Stop the running system in order, as Ctrl-C in its terminal does."""
    from infra.local.state import wait_ended

    _control("shutdown", "", profile)
    if not wait_ended(_settings(profile).profile_dir):
        _fail("it is still stopping: see `overround status`")


@app.command()
def clean_data(
    *, profile: ProfileOption = None, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Throw away all data of this machine's system: databases, topics, logs, secrets."""
    from infra.local.data import throw_away
    from infra.local.locks import AlreadyRunning

    folder = _settings(profile).profile_dir
    if not yes:
        typer.confirm(f"Delete everything in {folder}?", abort=True)
    try:
        throw_away(folder)
    except AlreadyRunning as error:
        _fail(str(error))
    typer.echo(f"{folder} is gone")


@app.command()
def simulate(
    *,
    profile: ProfileOption = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed, another day.")] = None,
    speed: Annotated[float | None, typer.Option(min=0.1, max=1_000, help="Times the speed of life.")] = None,
    matches: Annotated[int | None, typer.Option(min=1, max=1_000, help="Matches a day.")] = None,
    days: Annotated[int, typer.Option(min=1, help="Days to play.")] = 1,
) -> None:
    """Play simulated match days; start the system with `overround up --without-simulation` first.

    A day that was stopped goes on when the same is asked for again.
    """
    from rich.console import Console

    from infra.simulate import run_simulation

    code = run_simulation(_settings(profile), Console(), seed=seed, speed=speed, match_count=matches, days=days)
    raise typer.Exit(code)


@players.command()
def block(username: str, *, profile: ProfileOption = None) -> None:
    """Let a player no longer bet, deposit or trade; what they have they still see."""
    from pam.player import PlayerStatus

    _administer(profile, f"{username} is blocked", lambda players: players.set_status(username, PlayerStatus.BLOCKED))


@players.command()
def unblock(username: str, *, profile: ProfileOption = None) -> None:
    """Lift a player's block."""
    from pam.player import PlayerStatus

    _administer(profile, f"{username} is active", lambda players: players.set_status(username, PlayerStatus.ACTIVE))


@players.command()
def end_sessions(username: str, *, profile: ProfileOption = None) -> None:
    """End every session of a player, wherever they are logged in."""
    _administer(profile, f"every session of {username} is over", lambda players: players.end_sessions(username))


def main() -> None:
    """Run the command line."""
    use_plain_signs()
    app()


def _decide_result(name: str, decision: Literal["redo", "drop"], *, reason: str, by: str, profile: str | None) -> None:
    from infra.results import DecisionRefused, decide

    try:
        typer.echo(decide(_settings(profile), name, decision, reason=reason, decided_by=by))
    except DecisionRefused as refusal:
        _fail(str(refusal))


def _control(action: Literal["start", "stop", "kill", "shutdown"], name: str, profile: str | None) -> None:
    from infra.local.control import ControlRefused, request

    try:
        request(_settings(profile).profile_dir, action, name)
    except ControlRefused as error:
        _fail(str(error))


def _administer(profile: str | None, done: str, change: Callable[[PostgresPlayers], Awaitable[None]]) -> None:
    from infra.stores.players_provision import administer_players
    from kernel.errors import DomainError

    try:
        asyncio.run(administer_players(_settings(profile), change))
    except DomainError as error:
        _fail(error.message)
    typer.echo(done)


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)


def _settings(profile: str | None) -> Settings:
    known: dict[str, Profile] = {"local": "local", "test": "test", "production": "production"}
    if profile is not None and profile not in known:
        raise typer.BadParameter(f"expected one of {', '.join(known)}, was {profile!r}")
    try:
        return load_settings(known[profile] if profile else None)
    except SettingsRefused as error:
        _fail(str(error))
