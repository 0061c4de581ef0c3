"""What the liability agent writes to and asks, by hand: the serving copy, its topic, which fixtures pricing holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from kernel.errors import Part, Unavailable


class FakeLiabilityCopy:
    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.whole: set[int] = set()
        self.is_away = False

    async def put(self, values: Mapping[str, bytes]) -> None:
        if self.is_away:
            raise Unavailable(Part.LIABILITY, "away")
        self.values.update(values)

    async def forget(self, fixture_ids: Collection[str]) -> None:
        for fixture_id in fixture_ids:
            self.values.pop(fixture_id, None)

    async def missing(self, partitions: Collection[int]) -> set[int]:
        if self.is_away:
            raise Unavailable(Part.LIABILITY, "away")
        return set(partitions) - self.whole

    async def put_whole(self, partition: int, values: Mapping[str, bytes]) -> None:
        await self.put(values)
        self.whole.add(partition)


class FakeLiabilityLog:
    def __init__(self) -> None:
        self.values: dict[int, dict[str, bytes]] = {}

    async def read(self, partition: int) -> dict[str, bytes]:
        return dict(self.values.get(partition, {}))


class FakePriced:
    """Says which fixtures pricing holds, or cannot."""

    def __init__(self) -> None:
        self.fixture_ids: set[str] = set()
        self.is_away = False

    async def without_book(self, fixture_ids: Collection[str]) -> set[str]:
        if self.is_away:
            raise Unavailable(Part.BOOKS, "away")
        return set(fixture_ids) - self.fixture_ids
