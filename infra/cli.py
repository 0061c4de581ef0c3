"""The command line: `overround --help`."""

from __future__ import annotations

import importlib
from enum import StrEnum
from typing import Annotated

import typer

from infra.settings import Profile, Settings, load_settings

app = typer.Typer(
    name="overround",
    help="An open sportsbook and odds engine: feeds in, prices out, bets taken and settled.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="local or test; OVERROUND_PROFILE says it too.", metavar="NAME")
]


class ProcessName(StrEnum):
    """Our processes."""

    GATEWAY = "gateway"
    PRICING = "pricing"
    RISK = "risk"
    SETTLEMENT = "settlement"
    HISTORY = "history"
    RELAY = "relay"
    SIMULATION = "simulation"


@app.command()
def up(
    *,
    profile: ProfileOption = None,
    without_simulation: Annotated[bool, typer.Option(help="Start no simulated match day.")] = False,
    only_servers: Annotated[bool, typer.Option(help="Start the servers, none of our processes.")] = False,
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


def main() -> None:
    """Run the command line."""
    app()


def _settings(profile: str | None) -> Settings:
    known: dict[str, Profile] = {"local": "local", "test": "test", "production": "production"}
    if profile is not None and profile not in known:
        raise typer.BadParameter(f"expected one of {', '.join(known)}, was {profile!r}")
    return load_settings(known[profile] if profile else None)


if __name__ == "__main__":
    main()
