"""From the chance to win a point to the chance to win a game or a tie-break, from any score."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from odds.models.tennis.rules import GAME_POINTS, Counts, Flags

Floats = NDArray[np.float64]


def win_game(serve: Floats, points: Counts, *, has_deciding_point: bool) -> Floats:
    """Return the server's chance to win the game.

    Args:
        serve: Shape (n_games,), the server's chance to win a point.
        points: Shape (n_games, 2), points won by the server and by the receiver; past deuce only the lead counts.
        has_deciding_point: Whether the point at deuce decides.

    Returns:
        Shape (n_games,), accurate to rounding.

    Source:
        O'Malley (2008); Barnett and Clarke (2005).
    """
    deuce = serve if has_deciding_point else serve**2 / (serve**2 + (1.0 - serve) ** 2)
    return _recur(lambda _: serve, deuce, serve, points, points_to_win=GAME_POINTS)


def win_tie_break(serves: Floats, points: Counts, is_a_serving: Flags, *, points_to_win: int) -> Floats:
    """Return A's chance to win the tie-break.

    One player serves the first point, then each serves two in turn (ABBA...).

    Args:
        serves: Shape (n, 2), chance of A and of B to win a point on the own serve.
        points: Shape (n, 2), points won by A and by B so far.
        is_a_serving: Shape (n,), whether A serves the next point.
        points_to_win: Points that win it with two clear: 7 or 10.

    Returns:
        Shape (n,), accurate to rounding.

    Source:
        Barnett and Clarke (2005); from any tie at the end the next two points are one serve each.
    """
    serving, receiving = serves[:, 0], 1.0 - serves[:, 1]
    both = serving * receiving
    tied = both / (both + (1.0 - serving) * (1.0 - receiving))
    is_a_first = serves_first_point(points, is_a_serving)

    def chance(played: int) -> Floats:
        return np.where(is_a_first == _is_first_serving(np.asarray(played)), serving, receiving)

    current = np.where(is_a_serving, serving, receiving)
    return _recur(chance, tied, current, points, points_to_win=points_to_win)


def serves_first_point(points: Counts, is_a_serving: Flags) -> Flags:
    """Tell whether A served the first point of a tie-break, from who serves the next.

    Args:
        points: Shape (n, 2), points won so far.
        is_a_serving: Shape (n,), whether A serves the next point.
    """
    return np.asarray(is_a_serving == _is_first_serving(points.sum(axis=1)))


def _is_first_serving(played: Counts) -> Flags:
    return np.asarray((played + 1) // 2 % 2 == 0)


def _recur(
    chance: Callable[[int], Floats], tied: Floats, current: Floats, points: Counts, *, points_to_win: int
) -> Floats:
    """Go back from the ends to the score asked for; `chance` is that of the point after so many, `current` the next."""
    last = points_to_win - 1
    table = np.empty((points_to_win + 1, points_to_win + 1, len(tied)))
    table[points_to_win, :], table[:, points_to_win] = 1.0, 0.0
    table[last, last] = tied
    for played in range(2 * last - 1, -1, -1):
        win = chance(played)
        for won in range(max(0, played - last), min(played, last) + 1):
            lost = played - won
            table[won, lost] = table[won, lost + 1] + win * (table[won + 1, lost] - table[won, lost + 1])
    # One ahead past the last tie: never read above, where a lead at the end has won.
    table[points_to_win, last] = current + (1.0 - current) * tied
    table[last, points_to_win] = current * tied
    reduced = points - np.maximum(points.min(axis=1) - last, 0)[:, None]
    return np.asarray(table[reduced[:, 0], reduced[:, 1], np.arange(len(tied))])
