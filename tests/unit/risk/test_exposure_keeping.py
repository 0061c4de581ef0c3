"""What the keeper of exposure does and in which order, over fakes; against a real Redis in tests/integration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest

from kernel.errors import Unavailable
from risk.keeping import PAGE_SIZE, Bets, ExposureKeeping, KeepingRules, OldReservation
from risk.ports import EntryPlace, ExposureEntry, ReservationKey
from tests.fakes.fake_betting import FakeExposure
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_open_bets import FakeOpenBets

ENTRY = ExposureEntry("sim:1:1", "1x2", "home", 1_000, 2_000)
KEYS = [ReservationKey(UUID(int=1), UUID(int=number)) for number in range(3)]


class FakeKept(FakeExposure):
    """Exposure with what its keeper needs; says in `calls` what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.is_ours = True
        self.is_whole = True
        self.old: list[OldReservation] = []

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        yield self.is_ours

    async def renew(self) -> None:
        self.calls.append("renew")

    async def is_complete(self) -> bool:
        return self.is_whole

    async def drop_all(self) -> None:
        self.calls.append("drop_all")
        self.bets.clear()
        self.is_whole = False

    async def complete(self) -> None:
        self.calls.append("complete")
        self.is_whole = True

    async def add_bets(self, bets: Bets) -> None:
        self.bets.update(bets)

    async def find_uncounted(self, bets: Bets) -> Bets:
        return [bet for bet in bets if bet[0] not in self.bets]

    async def read_counted(self, size: int) -> Bets:
        return list(self.bets.items())[:size]

    async def read_old(self, before_ms: int) -> Sequence[OldReservation]:
        return self.old

    async def forget(self, reservations: Sequence[OldReservation], before_ms: int) -> None:
        self.calls.append("forget")
        self.old = []


class Notes:
    def __init__(self) -> None:
        self.said: list[object] = []

    def note_rebuild(self) -> None:
        self.said.append("rebuild")

    def note_rebuilt(self, bet_count: int) -> None:
        self.said.append(bet_count)

    def note_resolved(self, key: ReservationKey, *, is_bet: bool) -> None:
        self.said.append((key, is_bet))

    def note_dropped(self, bet_count: int) -> None:
        self.said.append(-bet_count)


class House:
    def __init__(self, bet_count: int = 0) -> None:
        self.kept = FakeKept()
        self.open_bets = FakeOpenBets({UUID(int=number): ENTRY for number in range(1, bet_count + 1)})
        self.notes = Notes()
        self.clock = FakeClock()
        rules = KeepingRules(reservation_age_ms_max=30_000, answer_ms_max=1, compare_interval_ms=10_000)
        self.keeping = ExposureKeeping(self.kept, self.open_bets, observer=self.notes, clock=self.clock, rules=rules)


async def test_what_is_lost_is_dropped_counted_page_by_page_and_only_then_whole() -> None:
    house = House(bet_count=PAGE_SIZE + 1)
    house.kept.is_whole = False
    house.kept.bets = {UUID(int=9_999): ENTRY}
    await house.keeping.look()
    assert house.kept.calls == ["drop_all", "renew", "renew", "renew", "complete"]
    assert house.kept.bets == house.open_bets.bets
    assert house.notes.said == ["rebuild", PAGE_SIZE + 1]


async def test_who_is_not_alone_does_nothing() -> None:
    house = House(bet_count=1)
    house.kept.is_ours = house.kept.is_whole = False
    await house.keeping.look()
    assert (house.kept.calls, house.kept.bets) == ([], {})


async def test_an_old_reservation_follows_the_ledger_and_one_that_ended_is_forgotten() -> None:
    house, bet_id = House(), UUID(int=5)
    house.open_bets.bets = {bet_id: ENTRY}
    house.open_bets.by_request = {KEYS[0]: (bet_id, [ENTRY])}
    house.kept.reservations = dict.fromkeys(KEYS[:2], ENTRY)
    house.kept.old = [OldReservation(key, ENTRY.place, is_held=key != KEYS[2]) for key in KEYS]
    await house.keeping.look()
    assert house.kept.calls == ["renew", "commit", "release", "forget"]
    assert (house.kept.reservations, house.kept.bets) == ({}, {bet_id: ENTRY})
    assert house.notes.said == [(KEYS[0], True), (KEYS[1], False)]


@pytest.mark.parametrize("place", [EntryPlace("sim:1:2", 0), EntryPlace("sim:1:1", 1)])
async def test_what_was_reserved_for_other_legs_than_a_request_became_is_released(place: EntryPlace) -> None:
    house, bet_id = House(), UUID(int=5)
    house.open_bets.bets = {bet_id: ENTRY}
    house.open_bets.by_request = {KEYS[0]: (bet_id, [ENTRY])}
    house.kept.reservations = {KEYS[0]: replace(ENTRY, fixture_id=place.fixture_id, leg=place.leg)}
    house.kept.old = [OldReservation(KEYS[0], place, is_held=True)]
    await house.keeping.look()
    assert house.kept.calls == ["renew", "release", "forget"]
    assert not house.kept.reservations


async def test_without_word_from_the_ledger_a_reservation_stays() -> None:
    house = House()
    house.open_bets.is_away = True
    house.kept.reservations = {KEYS[0]: ENTRY}
    house.kept.old = [OldReservation(KEYS[0], ENTRY.place, is_held=True)]
    with pytest.raises(Unavailable):
        await house.keeping.look()
    assert house.kept.calls == ["renew"]


async def test_each_look_compares_a_part_in_both_directions() -> None:
    house = House(bet_count=1)
    house.kept.bets = {UUID(int=7): ENTRY}
    await house.keeping.look()
    assert house.kept.bets == house.open_bets.bets
    assert house.notes.said == [-1]


async def test_what_is_as_it_should_be_is_compared_again_after_a_while() -> None:
    house = House()
    await house.keeping.look()
    house.clock.time_us += 9_999_999
    await house.keeping.look()
    assert house.open_bets.pages_read == 1
    house.clock.time_us += 1
    await house.keeping.look()
    assert house.open_bets.pages_read == 2


async def test_what_was_found_or_resolved_is_a_reason_to_compare_at_the_next_look() -> None:
    house = House()
    house.kept.bets = {UUID(int=7): ENTRY}
    await house.keeping.look()
    await house.keeping.look()
    assert house.open_bets.pages_read == 2
    await house.keeping.look()
    assert house.open_bets.pages_read == 2
    house.kept.reservations = {KEYS[0]: ENTRY}
    house.kept.old = [OldReservation(KEYS[0], ENTRY.place, is_held=True)]
    await house.keeping.look()
    assert house.open_bets.pages_read == 3
    house.kept.is_whole = False
    await house.keeping.look()
    assert house.open_bets.pages_read == 5  # one of them to count anew
