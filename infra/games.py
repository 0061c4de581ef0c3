"""The house's games: `games/<code>.toml` of its folder holds every edition of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from casino.games import GameEdition, Games, GameTerms
from casino.slot import SlotGame
from infra.dated import Edition, HouseRefused, build, read_editions

FOLDER: Final = "games"

_EDITION: Final = "edition"
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_RATIO: Final = re.compile(r"[1-9][0-9]{0,17}/[1-9][0-9]{0,17}", re.ASCII)


def read_games(folder: Path) -> Games:
    """Return all games of a house, in every edition.

    Raises:
        HouseRefused: If a file says what cannot be, or a version stands in two editions.
    """
    return Games({path.stem: _editions(path) for path in sorted((folder / FOLDER).glob("*.toml"))})


def _editions(path: Path) -> Sequence[GameEdition]:
    if not _CODE.fullmatch(path.stem):
        raise HouseRefused(f"{path} must be named by the code of its game: small letters, digits and underscores")
    editions = [_edition(path.stem, row) for row in read_editions(path, _EDITION)[_EDITION]]
    versions = [edition.game.version for edition in editions]
    if versions != sorted(set(versions)):
        raise HouseRefused(f"{path} must hold each version once, in their order, had {versions}")
    return editions


def _edition(code: str, row: Edition) -> GameEdition:
    terms = build(GameTerms, row.take("terms"), where=row.where)
    if not 0 < terms.stake_minor_min <= terms.stake_minor_max or terms.cycle_ms < 0:
        raise HouseRefused(f"{row.where}: terms must have stakes above zero, the least first, and a cycle, had {terms}")
    told: dict[str, Any] = row.told | {"code": code, "rtp": _ratio(row.take("rtp"), where=row.where)}
    return GameEdition(row.from_day, build(SlotGame, told, where=row.where), terms)


def _ratio(told: object, *, where: str) -> Fraction:
    if not isinstance(told, str) or not _RATIO.fullmatch(told):
        raise HouseRefused(f'{where}: rtp must be written as "951/1000", was {told!r}')
    return Fraction(told)
