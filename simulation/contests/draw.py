"""Who meets on a simulated day, and in which sport."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from markets.catalogue import SPORTS
from simulation.contests.basketball import draw_basketball
from simulation.contests.contest import Contest
from simulation.contests.cricket import draw_cricket
from simulation.contests.football import draw_football
from simulation.contests.goal_games import draw_goal_game
from simulation.contests.racing import draw_race
from simulation.contests.tennis import draw_tennis

TOWNS: Final = (
    "Alderhaven", "Brackwater", "Calderford", "Dunmere", "Eastmoor", "Farrowgate", "Glenharbour", "Hollowick",
    "Ironbridge Vale", "Juniper Cross", "Kestrelby", "Larkfield", "Marlowe Bay", "Northwold", "Oakenshaw", "Penrose",
    "Quarrydown", "Ravensholm", "Saltmarsh", "Thornbury Hill", "Underlough", "Vanewick", "Westerlin", "Yarrowdale",
)  # fmt: skip
CLUBS: Final = ("United", "Rovers", "Athletic", "City", "Wanderers")
PLAYERS: Final = (
    "A. Varga", "B. Okafor", "C. Lindqvist", "D. Moreau", "E. Tanaka", "F. Novak", "G. Ribeiro", "H. Kowalski",
    "I. Petrov", "J. Aldana", "K. Bergman", "L. Castellan", "M. Duarte", "N. Eriksen", "O. Falk", "P. Grigore",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Sport:
    """Where a sport is played, by whom, and how one of its fixtures is drawn."""

    competitions: tuple[str, ...]
    names: tuple[str, ...]
    draw: Callable[[str, str, np.random.Generator], Contest]


_TEAMS: Final = tuple(f"{town} {CLUBS[place % len(CLUBS)]}" for place, town in enumerate(TOWNS))
FOOTBALL: Final = _Sport(("Northern League", "Coastal Cup", "Premier Shield"), _TEAMS, draw_football)
TENNIS: Final = _Sport(("Coastal Open",), PLAYERS, draw_tennis)
BASKETBALL: Final = _Sport(("City League",), tuple(f"{town} Hoops" for town in TOWNS), draw_basketball)
CRICKET: Final = _Sport(("Twenty20 Shield",), tuple(f"{town} CC" for town in TOWNS), draw_cricket)
RACES: Final = _Sport(("Larkfield", "Saltmarsh", "Oakenshaw"), ("", ""), draw_race)
GOAL_GAMES: Final = tuple(
    _Sport(
        (f"{name.replace('-', ' ').capitalize()} league",),
        tuple(f"{town} {name.replace('-', ' ')}" for town in TOWNS),
        partial(draw_goal_game, name, sport.goal_game),
    )
    for name, sport in SPORTS.items()
    if sport.goal_game is not None
)
"""Sports that are declared as games of goals by periods, each with a league of its own."""
PROGRAMME: Final = (FOOTBALL, TENNIS, FOOTBALL, BASKETBALL, FOOTBALL, CRICKET, FOOTBALL, RACES, *GOAL_GAMES)
"""In this order, again and again."""


def draw_contests(count: int, seed: int) -> Iterator[tuple[str, Contest]]:
    """Yield fixtures with their competitions; nobody plays twice before everybody of the sport has played."""
    generator = np.random.default_rng((seed, 1))
    waiting: dict[int, list[str]] = {}
    for index in range(count):
        sport = PROGRAMME[index % len(PROGRAMME)]
        names = waiting.setdefault(id(sport), [])
        if len(names) < 2:
            names += [sport.names[place] for place in generator.permutation(len(sport.names))]
        home, away = names.pop(0), names.pop(0)
        competition = sport.competitions[index // len(PROGRAMME) % len(sport.competitions)]
        yield competition, sport.draw(home, away, np.random.default_rng((seed, 5, index)))
