"""Redis is waited for so long and no longer, and whatever goes wrong there has one name."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import RedisError

from infra.stores.bounded import bounded
from kernel.errors import Part, Unavailable


async def test_what_is_answered_in_time_is_answered() -> None:
    async with bounded(60.0, Part.BOOKS, "Redis must answer"):
        answer = await asyncio.sleep(0, "book")
    assert answer == "book"


@pytest.mark.parametrize("error", [RedisError("READONLY"), ConnectionResetError("reset")])
async def test_what_goes_wrong_is_told_as_the_part_that_is_away(error: Exception) -> None:
    with pytest.raises(Unavailable, match="Redis must answer, but") as told:
        async with bounded(60.0, Part.LIABILITY, "Redis must answer"):
            raise error
    assert told.value.reason == "LIABILITY_UNAVAILABLE"
    assert told.value.__cause__ is error


async def test_what_takes_longer_is_given_up() -> None:
    with pytest.raises(Unavailable, match="TimeoutError"):
        async with bounded(0.01, Part.RISK, "Redis must answer"):
            await asyncio.sleep(60)


async def test_a_defect_of_ours_is_no_absence_of_redis() -> None:
    with pytest.raises(KeyError):
        async with bounded(60.0, Part.RISK, "Redis must answer"):
            raise KeyError("ours")
