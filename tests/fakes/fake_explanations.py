"""Explanations without a server: the newest of each fixture, and those of every version."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.ports import LoggedExplanation
from kernel.errors import Part, Unavailable
from overround.odds.v1 import book_pb2


class FakeNewestExplanations:
    def __init__(self, values: Mapping[str, bytes] | None = None) -> None:
        self.values = dict(values or {})
        self.is_down = False
        self.asked = 0

    async def read_explanation(self, fixture_id: str) -> bytes:
        self.asked += 1
        if self.is_down:
            raise Unavailable(Part.EXPLANATION, "down")
        return self.values.get(fixture_id, b"")


class FakeExplanationLog:
    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.is_down = False

    async def find_explanation(self, fixture_id: str, version: int) -> LoggedExplanation:
        if self.is_down:
            raise Unavailable(Part.EXPLANATION, "down")
        for value in self.values:
            explanation = book_pb2.PriceExplanation.FromString(value)
            if explanation.fixture_id == fixture_id and explanation.version >= version:
                is_met = explanation.version == version
                return LoggedExplanation(value, 0) if is_met else LoggedExplanation(b"", explanation.version)
        return LoggedExplanation(b"", 0)
