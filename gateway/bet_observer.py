"""What becomes of bets, as metrics, in the log and for the desk."""

from __future__ import annotations

from typing import Final, Protocol

import structlog
from prometheus_client import Counter, Histogram

from bets.answer import BetAnswer
from kernel.errors import DomainError
from risk.ports import ReservationKey

BETS: Final = Counter("overround_bets_total", "Bets answered, by outcome and reason.", ["outcome", "reason"])
BET_SECONDS: Final = Histogram(
    "overround_bet_answer_seconds",
    "Time to answer a bet, the in-play delay left out.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.0),
)
RESERVATIONS_LEFT: Final = Counter(
    "overround_reservations_left_total", "Reservations that were left for the keeper of exposure to resolve."
)

log = structlog.get_logger(__name__)


class BetFigures(Protocol):
    """Who counts answered bets for the desk."""

    def note_bet(self, latency_ms: float, *, is_accepted: bool) -> None:
        """Note a bet that was answered, and how long that took without the in-play delay."""
        ...


class BetObserver:
    """Counts what placing tells it: implements `bets.placement.PlacementObserver`."""

    def __init__(self, figures: BetFigures) -> None:
        self._figures = figures

    def note_answer(self, answer: BetAnswer, *, seconds: float) -> None:
        """Note a bet that was answered, and how long that took without the in-play delay."""
        BET_SECONDS.observe(seconds)
        self._figures.note_bet(seconds * 1_000, is_accepted=answer.bet is not None)
        if answer.refusal is None:
            BETS.labels("accepted", "").inc()
        else:
            BETS.labels("refused", answer.refusal.reason).inc()

    def note_error(self, error: DomainError) -> None:
        """Note a bet that was not answered."""
        BETS.labels("failed", error.reason).inc()

    def note_left(self, key: ReservationKey) -> None:
        """Note a reservation that was left for the keeper of exposure to resolve."""
        RESERVATIONS_LEFT.inc()
        log.warning("bets.reservation_left", request_id=str(key.request_id))

    def note_broken(self, error: BaseException) -> None:
        """Note an error that should not be, of which perhaps no caller hears any more."""
        log.error("bets.placing_failed", exc_info=error)
