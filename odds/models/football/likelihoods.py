"""Log-likelihoods of scores under each family of goal models, with analytic gradients.

Every family sees a match through the logarithms of its two means (eta) and through parameters of its own, which are on
a scale without gaps: logarithms of what is positive, log odds of shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln

from odds.models.football.conway_maxwell import MEAN_MAX, UPSILON_MAX, UPSILON_MIN, ConwayMaxwellCounts
from odds.models.football.goal_family import GoalFamily

Floats = NDArray[np.float64]

LOG_SMALLEST = float(np.log(1e-7))


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Goals of matches and what of them never changes during a fit, each of shape (n,)."""

    home: Floats
    away: Floats
    log_factorials: Floats

    @classmethod
    def of(cls, home_goals: Floats, away_goals: Floats) -> Scores:
        """Return scores with the logarithm of home! away!."""
        return cls(home_goals, away_goals, np.asarray(gammaln(home_goals + 1.0) + gammaln(away_goals + 1.0)))


class Likelihood(Protocol):
    """One family.

    Attributes:
        extra_names: The family's own parameters.
        start: Where a fit begins in them.
        lower: Bounds of them.
        upper: Bounds of them.
    """

    @property
    def extra_names(self) -> tuple[str, ...]:
        """Return the names of the family's own parameters."""

    @property
    def start(self) -> Floats:
        """Return where a fit begins in them."""

    @property
    def lower(self) -> Floats:
        """Return the least they may be."""

    @property
    def upper(self) -> Floats:
        """Return the most they may be."""

    def evaluate(self, scores: Scores, home_etas: Floats, away_etas: Floats, extras: Floats) -> tuple[Floats, Floats]:
        """Return log-likelihoods, shape (n,), and gradients, shape (2 + n_extras, n): by eta, then by extra.

        A match whose probability is not positive has a log-likelihood of minus infinity.
        """


@dataclass(frozen=True, slots=True, eq=False)
class PoissonLikelihood:
    """Two independent Poisson counts (Maher 1982)."""

    extra_names: ClassVar[tuple[str, ...]] = ()
    start: ClassVar[Floats] = np.empty(0)
    lower: ClassVar[Floats] = np.empty(0)
    upper: ClassVar[Floats] = np.empty(0)

    def evaluate(self, scores: Scores, home_etas: Floats, away_etas: Floats, extras: Floats) -> tuple[Floats, Floats]:
        """Return log-likelihoods and gradients."""
        del extras
        home_means, away_means = np.exp(home_etas), np.exp(away_etas)
        return (
            scores.home * home_etas + scores.away * away_etas - home_means - away_means - scores.log_factorials,
            np.stack([scores.home - home_means, scores.away - away_means]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class DixonColesLikelihood:
    """Poisson counts with the four low scores moved by rho (Dixon and Coles 1997).

    Attributes:
        rho_min: The least rho may be.
        rho_max: The most it may be.
    """

    extra_names: ClassVar[tuple[str, ...]] = ("rho",)
    rho_min: float = -1.0
    rho_max: float = 1.0

    @property
    def start(self) -> Floats:
        """Return where a fit begins in them."""
        return np.array([min(max(-0.05, self.rho_min), self.rho_max)])

    @property
    def lower(self) -> Floats:
        """Return the least they may be."""
        return np.array([self.rho_min])

    @property
    def upper(self) -> Floats:
        """Return the most they may be."""
        return np.array([self.rho_max])

    def evaluate(self, scores: Scores, home_etas: Floats, away_etas: Floats, extras: Floats) -> tuple[Floats, Floats]:
        """Return log-likelihoods and gradients."""
        rho = extras[0]
        values, gradients = PoissonLikelihood().evaluate(scores, home_etas, away_etas, extras)
        low = np.flatnonzero((scores.home <= 1.0) & (scores.away <= 1.0))
        home, away = scores.home[low], scores.away[low]
        # tau = 1 + s rho l^(1-home) m^(1-away), s = -1 where both scored or none did
        signs = np.where(home == away, -1.0, 1.0)
        products = signs * np.exp((1.0 - away) * (1.0 - home) * (home_etas[low] + away_etas[low]))
        products *= np.exp((1.0 - home) * away * home_etas[low] + home * (1.0 - away) * away_etas[low])
        factors = 1.0 + rho * products
        slopes = products / factors
        with np.errstate(invalid="ignore", divide="ignore"):
            values[low] += np.where(factors > 0.0, np.log(np.maximum(factors, 0.0)), -np.inf)
        rows = np.zeros((3, len(values)))
        rows[:2] = gradients
        rows[0, low] += rho * slopes * (1.0 - home)
        rows[1, low] += rho * slopes * (1.0 - away)
        rows[2, low] = slopes
        return values, rows


@dataclass(frozen=True, slots=True, eq=False)
class NegativeBinomialLikelihood:
    """Two independent negative binomial counts of one dispersion: variance = mean + a mean^2."""

    extra_names: ClassVar[tuple[str, ...]] = ("log_dispersion",)
    start: ClassVar[Floats] = np.array([-3.0])
    lower: ClassVar[Floats] = np.array([LOG_SMALLEST])
    upper: ClassVar[Floats] = np.array([2.0])

    def evaluate(self, scores: Scores, home_etas: Floats, away_etas: Floats, extras: Floats) -> tuple[Floats, Floats]:
        """Return log-likelihoods and gradients."""
        dispersion = float(np.exp(extras[0]))
        steps = np.arange(max(float(scores.home.max()), float(scores.away.max())))
        logs = np.concatenate([[0.0], np.cumsum(np.log1p(dispersion * steps))])
        slopes = np.concatenate([[0.0], np.cumsum(steps / (1.0 + dispersion * steps))])
        values = -scores.log_factorials
        gradients = np.zeros((3, len(values)))
        for row, (goals, etas) in enumerate(((scores.home, home_etas), (scores.away, away_etas))):
            means = np.exp(etas)
            spread = 1.0 + dispersion * means
            log_spread = np.log1p(dispersion * means)
            counts = goals.astype(np.int64)
            values = values + logs[counts] + goals * etas - (goals + 1.0 / dispersion) * log_spread
            gradients[row] = (goals - means) / spread
            gradients[2] += dispersion * slopes[counts] + log_spread / dispersion
            gradients[2] -= (goals * dispersion + 1.0) * means / spread
        return values, gradients


@dataclass(frozen=True, slots=True, eq=False)
class ConwayMaxwellLikelihood:
    """Two independent Conway-Maxwell-Poisson counts of one upsilon, seen through their means."""

    extra_names: ClassVar[tuple[str, ...]] = ("log_upsilon",)
    start: ClassVar[Floats] = np.array([0.0])
    lower: ClassVar[Floats] = np.array([np.log(UPSILON_MIN)])
    upper: ClassVar[Floats] = np.array([np.log(UPSILON_MAX)])

    def evaluate(self, scores: Scores, home_etas: Floats, away_etas: Floats, extras: Floats) -> tuple[Floats, Floats]:
        """Return log-likelihoods and gradients; means above 30 goals are held impossible."""
        upsilon = float(np.exp(extras[0]))
        values = -upsilon * scores.log_factorials
        gradients = np.zeros((3, len(values)))
        for row, (goals, etas) in enumerate(((scores.home, home_etas), (scores.away, away_etas))):
            means = np.minimum(np.exp(etas), MEAN_MAX)
            counts = ConwayMaxwellCounts.of_means(means, upsilon)
            cells = np.arange(counts.masses.shape[1], dtype=np.float64)
            logs = gammaln(cells + 1.0)
            log_means = counts.masses @ logs
            variances = counts.masses @ cells**2 - means**2
            # By how much the log rate moves with upsilon for the mean to stay.
            rate_slopes = (counts.masses @ (cells * logs) - means * log_means) / variances
            values = values + goals * counts.log_rates - counts.log_sums
            values[etas > np.log(MEAN_MAX)] = -np.inf
            gradients[row] = (goals - means) * means / variances
            gradients[2] += upsilon * (log_means - gammaln(goals + 1.0) + (goals - means) * rate_slopes)
        return values, gradients


@dataclass(frozen=True, slots=True, eq=False)
class BivariatePoissonLikelihood:
    """X + Z against Y + Z, with a share of extra draws where asked for (Karlis and Ntzoufras 2003).

    The two means a match is seen through are those of X and Y. The extra draws have their own distribution over
    0-0, 1-1 and so on; its log odds are relative to 0-0.

    Attributes:
        inflated_draws: How many draws are inflated, from 0-0 on; 0 for the plain model.
    """

    inflated_draws: int

    @property
    def extra_names(self) -> tuple[str, ...]:
        """Return the names of the family's own parameters."""
        draws = tuple(f"draw_log_odds_{goals}" for goals in range(1, self.inflated_draws))
        return ("log_shared_mean", *(("inflation_log_odds",) if self.inflated_draws else ()), *draws)

    @property
    def start(self) -> Floats:
        """Return where a fit begins in them."""
        return np.array([-2.5, *([-3.0] if self.inflated_draws else []), *([0.0] * (self.inflated_draws - 1))])

    @property
    def lower(self) -> Floats:
        """Return the least they may be."""
        return np.array([LOG_SMALLEST] * min(2, len(self.start)) + [-12.0] * (self.inflated_draws - 1))

    @property
    def upper(self) -> Floats:
        """Return the most they may be."""
        return np.array([2.0] * min(2, len(self.start)) + [12.0] * (self.inflated_draws - 1))

    def evaluate(self, scores: Scores, home_etas: Floats, away_etas: Floats, extras: Floats) -> tuple[Floats, Floats]:
        """Return log-likelihoods and gradients."""
        means = (np.exp(home_etas), np.exp(away_etas), np.exp(np.full(len(home_etas), extras[0])))
        masses = [
            _bivariate_masses(scores.home - home, scores.away - away, means)
            for home, away in ((0, 0), (1, 0), (0, 1), (1, 1))
        ]
        slopes = np.stack([mean * (shifted - masses[0]) for mean, shifted in zip(means, masses[1:], strict=True)])
        if not self.inflated_draws:
            return np.log(masses[0]), slopes / masses[0]
        return self._inflated(scores, masses[0], slopes, extras)

    def draw_masses(self, extras: Floats) -> Floats:
        """Return the distribution of the extra draws over 0-0, 1-1 and so on."""
        weights = np.exp(np.concatenate([[0.0], extras[2:]]))
        return np.asarray(weights / weights.sum())

    def _inflated(self, scores: Scores, masses: Floats, slopes: Floats, extras: Floats) -> tuple[Floats, Floats]:
        share = float(expit(extras[1]))
        draw_masses = self.draw_masses(extras)
        draws = np.where(scores.home == scores.away, scores.home, self.inflated_draws).astype(np.int64)
        extra = np.append(draw_masses, np.zeros(max(0, int(draws.max()) - len(draw_masses) + 1)))[draws]
        mixed = (1.0 - share) * masses + share * extra
        gradients = np.zeros((2 + len(extras), len(masses)))
        gradients[:3] = (1.0 - share) * slopes
        gradients[3] = share * (1.0 - share) * (extra - masses)
        for goals in range(1, self.inflated_draws):
            gradients[3 + goals] = share * extra * ((draws == goals) - draw_masses[goals])
        return np.log(mixed), gradients / mixed


def likelihood_of(family: GoalFamily, *, inflated_draws: int) -> Likelihood:
    """Return a family's likelihood; only the bivariate Poisson has inflated draws."""
    if family is GoalFamily.BIVARIATE_POISSON:
        return BivariatePoissonLikelihood(inflated_draws)
    if family is GoalFamily.NEGATIVE_BINOMIAL:
        return NegativeBinomialLikelihood()
    if family is GoalFamily.CONWAY_MAXWELL:
        return ConwayMaxwellLikelihood()
    return DixonColesLikelihood() if family is GoalFamily.DIXON_COLES else PoissonLikelihood()


def _bivariate_masses(home: Floats, away: Floats, means: tuple[Floats, Floats, Floats]) -> Floats:
    home_means, away_means, shared_means = means
    masses = np.zeros(len(home))
    logs = np.log(home_means), np.log(away_means), np.log(shared_means)
    for shared in range(int(max(0.0, np.minimum(home, away).max())) + 1):
        own, other = home - shared, away - shared
        is_there = (own >= 0) & (other >= 0)
        own, other = np.where(is_there, own, 0.0), np.where(is_there, other, 0.0)
        exponents = own * logs[0] + other * logs[1] + shared * logs[2]
        exponents -= gammaln(own + 1.0) + gammaln(other + 1.0) + gammaln(shared + 1.0)
        masses += np.where(is_there, np.exp(exponents), 0.0)
    return np.asarray(masses * np.exp(-home_means - away_means - shared_means))
