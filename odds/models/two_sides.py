"""What models of one side against another have alike: where who wins is quoted, and which fixtures are fitted anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from markets.contests import AWAY, HOME, WINNER
from markets.layout import MarketLayout
from odds.fixture.state import FixtureState, ModelFit


class Row(Protocol):
    """A fixture that has a model now."""

    @property
    def place(self) -> int:
        """Where it stands among those asked for."""

    @property
    def state(self) -> FixtureState:
        """All that is known of it."""

    @property
    def targets(self) -> NDArray[np.float64]:
        """What the model has to reproduce."""


AnyRow = TypeVar("AnyRow", bound=Row)


def winner_of(layout: MarketLayout, own_markets: bytes) -> tuple[int, int] | None:
    """Return where both outcomes of who wins stand in a layout; None where no provider quotes that of two sides."""
    index = layout.index_by_market_id.get(WINNER)
    if index is None or set(layout.outcome_ids_of(index)) != {HOME, AWAY} or (own_markets and own_markets[index]):
        return None
    return layout.outcome_index(WINNER, HOME), layout.outcome_index(WINNER, AWAY)


def fit_anew(
    rows: Sequence[AnyRow],
    fit: Callable[[Sequence[AnyRow]], Mapping[int, ModelFit]],
    *,
    count: int,
    basis_of: Callable[[AnyRow], object] = lambda _row: None,
) -> list[ModelFit | None]:
    """Return the fits of fixtures: the one that stands where all that it depends on is what it was, else a new one.

    Args:
        rows: Those that have a model now.
        fit: Fits some, at least one, in one batch; returns fits by place.
        count: How many fixtures were asked for.
        basis_of: What else a fit depends on.
    """
    fits: dict[int, ModelFit] = {}
    fresh: list[AnyRow] = []
    for row in rows:
        before = row.state.fit
        if before is not None and before.is_of(row.state, row.targets, basis_of(row)):
            fits[row.place] = before
        else:
            fresh.append(row)
    if fresh:
        fits.update(fit(fresh))
    return [fits.get(place) for place in range(count)]
