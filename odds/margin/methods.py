"""The ways to spread a margin over a market's outcomes."""

from __future__ import annotations

from enum import Enum


class MarginMethod(Enum):
    """How a margin is taken out, and put on.

    q are implied probabilities, p fair ones, t is what the fair ones sum to, n the number of outcomes.
    """

    MULTIPLICATIVE = "multiplicative"
    """q = s p; the parameter is s."""
    ADDITIVE = "additive"
    """q = p + d; the parameter is d."""
    DIFFERENTIAL = "differential"
    """Fair odds n o/(n - M o), M being the whole margin: additive in other words; the parameter is M (Buchdahl)."""
    POWER = "power"
    """p = q^k; the parameter is k (Vovk and Zhdanov 2009)."""
    ODDS_RATIO = "odds_ratio"
    """q/(1 - q) = c p/(1 - p); the parameter is c (Cheung 2015)."""
    LOGIT = "logit"
    """The same said as a shift of the logits; the parameter is ln c."""
    SHIN = "shin"
    """The parameter is z, the share of stakes by insiders (Shin 1992, 1993); with t winners, p/t is priced at q/t."""
    BALANCED_BOOK = "balanced_book"
    """q = p(1 - z) + z; the parameter is z (Fingleton and Waldron 1999)."""
    GOTO = "goto"
    """q = p + s sqrt(1 - q): equally many standard errors off; the parameter is s (goto_conversion)."""
    JENSEN_SHANNON = "jensen_shannon"
    """Each p is equally far from its q; the parameter is that divergence D, in nats."""
