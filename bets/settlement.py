"""What a result makes of a bet: outcomes, corrections, and the exact money they are worth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

from kernel.errors import DomainError

FACTOR_ONE_MICRO: Final = 1_000_000
"""A factor of one, in millionths."""

ODDS_ONE_MILLI: Final = 1_000
"""Decimal odds of one, in thousandths."""

REDUCTIONS_MAX: Final = 64
"""Reductions of one market, at most."""

REFERRAL_REASON_LENGTH_MAX: Final = 200

_VOID_SCALE: Final = ODDS_ONE_MILLI * FACTOR_ONE_MICRO**2
_RETURN_SCALE: Final = _VOID_SCALE * FACTOR_ONE_MICRO


class ResultMalformed(DomainError):
    """A result says something that cannot be."""

    reason: ClassVar[str] = "RESULT_MALFORMED"


class ResultKind(IntEnum):
    """What happened to a market after play; numbers as on the wire."""

    SETTLEMENT = 1
    SETTLEMENT_ROLLBACK = 2
    CANCEL = 3
    CANCEL_ROLLBACK = 4


@dataclass(frozen=True, slots=True)
class OutcomeResult:
    """How one outcome came out; each factor in millionths, zero to one.

    Attributes:
        win_factor_micro: Share of the stake, after the void part, that wins.
        void_factor_micro: Share of the stake that is given back.
        dead_heat_factor_micro: Factor on the winning part; one where there is no dead heat.

    Raises:
        ResultMalformed: If the outcome has no id, a factor lies outside zero to one, or it wins with a dead-heat factor
            of zero.
    """

    outcome_id: str
    win_factor_micro: int
    void_factor_micro: int
    dead_heat_factor_micro: int

    def __post_init__(self) -> None:
        if not self.outcome_id:
            raise ResultMalformed("An outcome's result must name its outcome, was empty")
        for name in ("win_factor_micro", "void_factor_micro", "dead_heat_factor_micro"):
            factor_micro = getattr(self, name)
            if not 0 <= factor_micro <= FACTOR_ONE_MICRO:
                raise ResultMalformed(f"{name} must be 0 to {FACTOR_ONE_MICRO}, was {factor_micro}")
        if self.win_factor_micro and not self.dead_heat_factor_micro:
            raise ResultMalformed(f"dead_heat_factor_micro of {self.outcome_id}, which wins, must be above 0, was 0")


@dataclass(frozen=True, slots=True)
class Reduction:
    """What is taken off winning bets because somebody they might have lost to was withdrawn.

    Attributes:
        before_ms: Bets placed before this pay less, since the Unix epoch.
        deduction_micro: Share taken off, millionths.
        is_off_winnings_only: Off the winnings (decimal odds less one); else off the whole decimal odds.

    Raises:
        ResultMalformed: If it concerns no bet or takes off less than nothing or more than all.
    """

    before_ms: int
    deduction_micro: int
    is_off_winnings_only: bool

    def __post_init__(self) -> None:
        if self.before_ms <= 0:
            raise ResultMalformed(
                f"A reduction must concern bets placed before a time after 1970, was {self.before_ms}"
            )
        if not 0 <= self.deduction_micro <= FACTOR_ONE_MICRO:
            raise ResultMalformed(f"deduction_micro must be 0 to {FACTOR_ONE_MICRO}, was {self.deduction_micro}")


@dataclass(frozen=True, slots=True)
class MarketResult:
    """A result, or a correction of one, for one market.

    Attributes:
        outcomes: For a settlement: every outcome of the market, each once; else empty.
        window_start_ms: For a cancellation: bets placed from here on, since the Unix epoch; zero for no bound.
        window_end_ms: For a cancellation: bets placed before this, since the Unix epoch; zero for no bound.
        void_reason: The provider's code for the reason of a cancellation; empty for none.
        certainty: 1 provisional, 2 confirmed, 0 where the provider does not say.
        reductions: For a settlement: what is taken off, one after another, in the order in which it holds.
        referral_reason: Why a person has to look before any money moves; empty for none.

    Raises:
        ResultMalformed: If it has no market, a settlement has no outcome or one twice, something else has reductions,
            the window is reversed, or a list or reason is too long.
    """

    kind: ResultKind
    market_id: str
    outcomes: tuple[OutcomeResult, ...]
    window_start_ms: int
    window_end_ms: int
    void_reason: str
    certainty: int
    reductions: tuple[Reduction, ...] = ()
    referral_reason: str = ""

    def __post_init__(self) -> None:
        if not self.market_id:
            raise ResultMalformed("A result must name its market, was empty")
        if self.kind is ResultKind.SETTLEMENT and not self.outcomes:
            raise ResultMalformed(f"A settlement of {self.market_id} must have an outcome, had none")
        if len({outcome.outcome_id for outcome in self.outcomes}) != len(self.outcomes):
            raise ResultMalformed(f"A settlement of {self.market_id} must name each outcome once")
        if self.reductions and self.kind is not ResultKind.SETTLEMENT:
            raise ResultMalformed(f"Only a settlement may have reductions, {self.market_id} had some without one")
        if len(self.reductions) > REDUCTIONS_MAX:
            raise ResultMalformed(f"A market has at most {REDUCTIONS_MAX} reductions, had {len(self.reductions)}")
        if len(self.referral_reason) > REFERRAL_REASON_LENGTH_MAX:
            raise ResultMalformed(
                f"A referral's reason has at most {REFERRAL_REASON_LENGTH_MAX} characters, "
                f"had {len(self.referral_reason)}"
            )
        if min(self.window_start_ms, self.window_end_ms) < 0:
            raise ResultMalformed(f"The window of {self.market_id} must not begin or end before 1970")
        if self.window_end_ms and self.window_end_ms < self.window_start_ms:
            raise ResultMalformed(
                f"The window of {self.market_id} must end after {self.window_start_ms}, ended at {self.window_end_ms}"
            )


def return_minor(*, stake_minor: int, decimal_odds_milli: int, outcome: OutcomeResult) -> int:
    """Return what a single on `outcome` is paid, stake included, rounded down to the minor unit.

    With stake S, void factor v, win factor r, decimal odds o and dead-heat factor d this is
    floor(S * (v + (1 - v) * r * o * d)), in integers all the way.
    """
    void_part = outcome.void_factor_micro * _VOID_SCALE
    winning_share = (FACTOR_ONE_MICRO - outcome.void_factor_micro) * outcome.win_factor_micro
    win_part = winning_share * decimal_odds_milli * outcome.dead_heat_factor_micro
    return stake_minor * (void_part + win_part) // _RETURN_SCALE
