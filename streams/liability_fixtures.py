"""The liabilities of one partition's fixtures, and which of them may be at their end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from overround.risk.v1 import risk_pb2
from risk.liability import FixtureLiability
from wire.risk import build_fixture_liability, parse_fixture_liability


class LiabilityFixtures:
    """Liabilities by fixture as they were published; read when something is folded into them."""

    def __init__(self, encoded: Mapping[str, bytes]) -> None:
        """Go on from what was published."""
        self._encoded = dict(encoded)
        self._folded: dict[str, FixtureLiability] = {}
        self._changed_us: dict[str, int] = {}
        self._with_bets: set[str] = set()
        for fixture_id in self._encoded:
            self._note(self.liability_of(fixture_id, ""))

    def __len__(self) -> int:
        return len(self._encoded)

    @property
    def encoded(self) -> Mapping[str, bytes]:
        """What was published last, by fixture."""
        return self._encoded

    def liability_of(self, fixture_id: str, currency: str) -> FixtureLiability:
        """Return the liability of a fixture, nothing in that currency if there is none."""
        liability = self._folded.get(fixture_id)
        if liability is not None:
            return liability
        encoded = self._encoded.get(fixture_id)
        if encoded is None:
            return FixtureLiability(fixture_id, currency)
        return parse_fixture_liability(risk_pb2.FixtureLiability.FromString(encoded))

    def keep(self, liability: FixtureLiability) -> bytes:
        """Hold a liability in place of the one before; return what to publish."""
        encoded = build_fixture_liability(liability).SerializeToString()
        self._folded[liability.fixture_id] = liability
        self._encoded[liability.fixture_id] = encoded
        self._note(liability)
        return encoded

    def quiet_since(self, time_us: int, *, have_bets: bool) -> Iterator[str]:
        """Yield the fixtures with or without open bets that have not changed since a time."""
        for fixture_id, changed_us in self._changed_us.items():
            if changed_us < time_us and (fixture_id in self._with_bets) is have_bets:
                yield fixture_id

    def drop(self, fixture_ids: Iterable[str]) -> None:
        """Forget some fixtures."""
        for fixture_id in fixture_ids:
            del self._encoded[fixture_id], self._changed_us[fixture_id]
            self._folded.pop(fixture_id, None)
            self._with_bets.discard(fixture_id)

    def _note(self, liability: FixtureLiability) -> None:
        self._changed_us[liability.fixture_id] = liability.time_us
        if liability.markets:
            self._with_bets.add(liability.fixture_id)
        else:
            self._with_bets.discard(liability.fixture_id)
