"""How many examples a property is tried with, in the short form and in the long one."""

from __future__ import annotations

from hypothesis import settings

LONG_TIMES = 10


def tries(examples: int) -> settings:
    """Try so many examples in the short form, ten times as many in the long one."""
    is_long = settings.get_current_profile_name() == "long"
    return settings(max_examples=examples * LONG_TIMES if is_long else examples)
