"""Why input of a provider is refused."""

from __future__ import annotations

from collections.abc import Sequence

from kernel.errors import Category, DomainError


class FeedRefused(DomainError):
    """Input that is not passed on; its raw bytes go to the dead letters."""

    reason = "MALFORMED"
    category = Category.MALFORMED


def join_refusals(refusals: Sequence[FeedRefused]) -> FeedRefused:
    """Return one refusal that says all of several parts of one message, with the reason of the first."""
    return type(refusals[0])("; ".join(refusal.message for refusal in refusals))


class MessageMalformed(FeedRefused):
    """It does not have the form it must have."""


class MessageOversized(FeedRefused):
    """It is larger than what is taken."""

    reason = "OVERSIZED"


class MessageOutOfOrder(FeedRefused):
    """Something newer has been taken already."""

    reason = "OUT_OF_ORDER"
    category = Category.RULE


class MessageDuplicated(FeedRefused):
    """It has been taken already."""

    reason = "DUPLICATE"
    category = Category.CONFLICT


class MessageUnknown(FeedRefused):
    """It is of a kind that is not taken."""

    reason = "UNKNOWN_MESSAGE"
