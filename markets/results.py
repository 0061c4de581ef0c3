"""How markets came out, and corrections of that: one vocabulary for those who tell, forward and pay results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final

from kernel.errors import Category, DomainError
from markets.odds import FACTOR_ONE_MICRO

REDUCTIONS_MAX: Final = 64
"""Reductions of one market, at most."""

REFERRAL_REASON_LENGTH_MAX: Final = 200

OUTCOMES_NAMED_MAX: Final = 8

TIME_MS_MAX: Final = (1 << 43) - 1
"""Times of a result, at most: the year 2248."""

CONFIRMED: Final = 2
"""Certainty of a settlement that is not expected to change."""


class ResultMalformed(DomainError):
    """A result says something that cannot be."""

    reason = "RESULT_MALFORMED"
    category = Category.MALFORMED


class ResultKind(IntEnum):
    """What happened to a market after play. Numbers travel on the wire."""

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
    outcomes: tuple[OutcomeResult, ...] = ()
    window_start_ms: int = 0
    window_end_ms: int = 0
    void_reason: str = ""
    certainty: int = 0
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
        if min(self.window_start_ms, self.window_end_ms) < 0 or max(self.window_start_ms, self.window_end_ms) > (
            TIME_MS_MAX
        ):
            raise ResultMalformed(f"The window of {self.market_id} must begin and end at 0 to {TIME_MS_MAX}")
        if self.window_end_ms and self.window_end_ms < self.window_start_ms:
            raise ResultMalformed(
                f"The window of {self.market_id} must end after {self.window_start_ms}, ended at {self.window_end_ms}"
            )

    @property
    def window_us(self) -> tuple[int, int]:
        """Return since and before when the bets it concerns were placed, from the Unix epoch; zero for no bound."""
        if self.kind not in {ResultKind.CANCEL, ResultKind.CANCEL_ROLLBACK}:
            return 0, 0
        return self.window_start_ms * 1_000, self.window_end_ms * 1_000

    def reductions_of(self, placed_time_us: int) -> tuple[Reduction, ...]:
        """Return the reductions that hold for a bet placed then, since the Unix epoch."""
        return tuple(reduction for reduction in self.reductions if placed_time_us < reduction.before_ms * 1_000)


def words_of(result: MarketResult) -> str:
    """Return in a few words what a result says, for a person who compares it with another."""
    match result.kind:
        case ResultKind.SETTLEMENT:
            told = [
                f"{outcome.outcome_id} {_words_of_outcome(outcome)}" for outcome in result.outcomes if _pays(outcome)
            ]
            more = f" and {len(told) - OUTCOMES_NAMED_MAX} more" if len(told) > OUTCOMES_NAMED_MAX else ""
            reduced = f", with {len(result.reductions)} reductions" if result.reductions else ""
            return f"settled: {', '.join(told[:OUTCOMES_NAMED_MAX]) or 'nothing wins'}{more}{reduced}"
        case ResultKind.SETTLEMENT_ROLLBACK:
            return "the settlement taken back"
        case ResultKind.CANCEL:
            return f"cancelled{_words_of_window(result)}"
        case _:
            return f"the cancellation{_words_of_window(result)} taken back"


def _pays(outcome: OutcomeResult) -> bool:
    return outcome.win_factor_micro > 0 or outcome.void_factor_micro > 0


def _words_of_outcome(outcome: OutcomeResult) -> str:
    if outcome.void_factor_micro == FACTOR_ONE_MICRO:
        return "void"
    won = outcome.win_factor_micro * outcome.dead_heat_factor_micro // FACTOR_ONE_MICRO
    wins = "wins" if won == FACTOR_ONE_MICRO else f"wins {won / FACTOR_ONE_MICRO:.2%}"
    void = f"{outcome.void_factor_micro / FACTOR_ONE_MICRO:.2%} void"
    return wins if not outcome.void_factor_micro else f"{void}, the rest {wins if won else 'loses'}"


def _words_of_window(result: MarketResult) -> str:
    bounds = [("from", result.window_start_ms), ("until", result.window_end_ms)]
    told = [f"{word} {datetime.fromtimestamp(ms / 1_000, UTC):%Y-%m-%d %H:%M:%S} UTC" for word, ms in bounds if ms]
    return f" for bets placed {' '.join(told)}" if told else ""
