"""What a simulated payment provider does with a payment: said by the token of the instrument, or drawn by the seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

TOKEN_PREFIX: Final = "tok_"  # noqa: S105 - what tokens of cards begin with


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What happens to one payment.

    Attributes:
        is_recorded: Whether the provider knows of it at all.
        is_refused: Whether the provider says at once that it does nothing now.
        answered: What the call is answered, and the status it has then: "captured", "declined", "pending".
        ends: The status that it comes to in the end, ends_after_s after the call.
        told: Statuses that are notified in this order once it has ended; one that stands twice is told twice.
        answer_after_s: How long the answer takes.
        status: Of HTTP; where it is no 200, what was done is not said.
    """

    is_recorded: bool = True
    is_refused: bool = False
    answered: str = "captured"
    ends: str = "captured"
    ends_after_s: float = 0.0
    told: tuple[str, ...] = ("captured",)
    answer_after_s: float = 0.0
    status: int = 200


SLOW_S: Final = 8.0
LATE_S: Final = 1.5
COURSES: Final = {
    "ok": Course(),
    "declined": Course(answered="declined", ends="declined", told=("declined",)),
    # Told twice under different ids: what was delivered is new each time, what it brings is not.
    "twice": Course(told=("captured", "captured")),
    "unordered": Course(answered="pending", told=("captured", "pending")),
    "late": Course(answered="pending", ends_after_s=LATE_S),
    "late_success": Course(answered="declined", ends_after_s=LATE_S, told=("declined", "captured")),
    # Nobody is told: who does not ask never hears of it.
    "silent": Course(answered="pending", ends_after_s=LATE_S, told=()),
    "slow": Course(answer_after_s=SLOW_S),
    "error": Course(status=500),
    "unavailable": Course(is_recorded=False, is_refused=True),
    "lost": Course(is_recorded=False, answer_after_s=SLOW_S, status=504),
}
WEIGHTS: Final = dict(
    zip(COURSES, (79, 8, 3, 2, 2, 1, 1, 1, 1, 1, 1), strict=True),
)
"""How often each is drawn, of a hundred."""


def course_of(instrument: str, *, seed: int, reference: str) -> Course:
    """Return what happens to a payment; the same for the same seed and reference, whatever came before."""
    named = COURSES.get(instrument.removeprefix(TOKEN_PREFIX))
    if named is not None:
        return named
    draw = Random(f"{seed}:{reference}")  # noqa: S311 - a draw that can be repeated is what is wanted
    return COURSES[draw.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))[0]]
