"""Keep the liability of every fixture up to date from the legs of bets.

Reads:  bets.legs.v1, keyed by fixture_id.
Writes: risk.liability.v1, keyed by fixture_id; the serving copy of liability; open bets of the exposure store.
State:  the newest liability of each fixture until its end, read back from risk.liability.v1.
Replay: safe. A leg whose outbox position is already folded in changes nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

import faust
import structlog
from faust.types import EventT
from google.protobuf.message import DecodeError
from prometheus_client import Counter, Gauge

from kernel.clock import Clock
from kernel.errors import DomainError, Unavailable
from kernel.log import ConfirmedOutlet, DeliveryFailed, OutletFull
from kernel.money import CurrencyUnknown
from kernel.rates import RateMalformed
from overround.bets.v1 import bet_pb2
from risk.liability import LegChange, fold, without_bets
from risk.ports import ExposureEntry, ExposureStore
from streams.agent import Agent, Events, Places, fold_safely
from streams.dead_letters import AGENT_ERROR, MALFORMED, DeadLetters
from streams.inbox import Inbox
from streams.liability_ends import LiabilityEnds
from streams.liability_fixtures import LiabilityFixtures
from streams.ports import OpenBets, PricedFixtures
from streams.retry import retry_while
from wire.risk import parse_leg_change
from wire.topics import BET_LEGS, LIABILITIES, LIABILITY_DEAD_LETTERS

WAITING_LEGS_MAX: Final = 20_000
BATCH_LEGS_MAX: Final = 5_000
EXPOSURE_CALLS_AT_ONCE_MAX: Final = 32
COPY_CHECK_INTERVAL_S: Final = 1.0

LEGS_FOLDED = Counter("overround_liability_legs", "Legs of bets taken from the log.")
PUBLISHED = Counter("overround_liability_published", "Liabilities of fixtures published.")
FIXTURES = Gauge("overround_liability_fixtures", "Fixtures whose liability is held.")

log = structlog.get_logger(__name__)


class LiabilityCopy(Protocol):
    """The serving copy of liability, by fixture."""

    async def put(self, values: Mapping[str, bytes]) -> None:
        """Replace the liability of some fixtures.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...

    async def forget(self, fixture_ids: Collection[str]) -> None:
        """Drop some fixtures.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...

    async def missing(self, partitions: Collection[int]) -> set[int]:
        """Return those partitions whose fixtures were never put whole, or lost since.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...

    async def put_whole(self, partition: int, values: Mapping[str, bytes]) -> None:
        """Put every fixture of a partition, and remember that it is whole.

        Raises:
            Unavailable: If the store does not answer in time.
        """
        ...


class LiabilityLog(Protocol):
    """What was published so far."""

    async def read(self, partition: int) -> dict[str, bytes]:
        """Return the newest liability of each fixture of a partition.

        Raises:
            Unavailable: If the log does not answer in time.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Leg:
    event: EventT[bytes]
    bet_id: UUID
    entry: ExposureEntry
    change: LegChange


class LiabilityAgent:
    """Drains legs, folds all that wait at once, publishes each touched fixture once, then acknowledges."""

    def __init__(
        self,
        *,
        outlet: ConfirmedOutlet,
        copy: LiabilityCopy,
        published: LiabilityLog,
        exposure: ExposureStore,
        priced: PricedFixtures,
        ledger: OpenBets,
        clock: Clock,
        currency: str,
        interval_s: float,
    ) -> None:
        """Prepare the agent.

        Args:
            outlet: The way into the log.
            copy: Where the desk and others look liability up.
            published: Where state is read back from.
            exposure: Open bets, from which settled ones are taken.
            priced: Which fixtures pricing holds: a fixture that it has forgotten ends here too.
            ledger: Which fixtures have open bets: what it does not have is no liability.
            clock: Tells when a liability changed.
            currency: The reference currency, in which the book is kept.
            interval_s: A fixture is published at most this often.
        """
        self._outlet = outlet
        self._copy = copy
        self._published = published
        self._exposure = exposure
        self._clock = clock
        self._currency = currency
        self._interval_s = interval_s
        self._dead_letters = DeadLetters(outlet, LIABILITY_DEAD_LETTERS.name, clock)
        self._inbox = Inbox(events_max=WAITING_LEGS_MAX)
        self._ends = LiabilityEnds(priced=priced, ledger=ledger, clock=clock)
        self._agent = Agent(
            "liability",
            [BET_LEGS.name],
            inbox=self._inbox,
            works=(self._work, self._look_for_ends),
            on_revoked=self._leave,
        )
        self._partitions: dict[int, LiabilityFixtures] = {}
        self._copy_check_due_s = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether partitions were assigned and their state is read back."""
        return self._agent.is_assigned and self._agent.partitions <= self._partitions.keys()

    def attach(self, app: faust.App) -> None:
        """Make this the agent of the app."""
        self._agent.attach(app)

    async def _leave(self, places: Places) -> None:
        for place in places:
            self._partitions.pop(place.partition, None)

    async def _work(self) -> None:
        while True:
            await self._keep_copy_whole()
            await self._end_fixtures()
            events = await self._inbox.take(BATCH_LEGS_MAX, timeout_s=COPY_CHECK_INTERVAL_S)
            if events:
                await fold_safely(events, self._work_on, inbox=self._inbox, dead_letters=self._dead_letters)
                await asyncio.sleep(self._interval_s)

    async def _work_on(self, events: Events) -> None:
        by_partition: defaultdict[int, list[_Leg]] = defaultdict(list)
        for event in events:
            leg = await self._read(event)
            if leg is not None:
                by_partition[event.message.partition].append(leg)
        for number, legs in by_partition.items():
            changed = await self._fold(await self._partition(number), legs)
            await self._publish(changed)
            await self._move_exposure(legs)
        LEGS_FOLDED.inc(len(events))

    async def _read(self, event: EventT[bytes]) -> _Leg | None:
        if event.message.value is None:
            return None
        try:
            message = bet_pb2.LegChanged.FromString(event.message.value)
            change = parse_leg_change(message)
            stake_minor, payout_minor = abs(change.stake_minor), abs(change.payout_minor)
            leg, place = message.leg, message.leg_place
            entry = ExposureEntry(leg.fixture_id, leg.market_id, leg.outcome_id, stake_minor, payout_minor, place)
            return _Leg(event, UUID(message.bet_id), entry, change)
        except (DecodeError, ValueError, CurrencyUnknown, RateMalformed) as error:
            await self._dead_letters.bury(event, reason=MALFORMED, message=str(error))
            return None

    async def _partition(self, number: int) -> LiabilityFixtures:
        if number not in self._partitions:
            encoded = await retry_while(
                Unavailable, lambda: self._published.read(number), step=f"read {LIABILITIES.name} back"
            )
            self._partitions[number] = LiabilityFixtures(encoded)
            FIXTURES.set(sum(map(len, self._partitions.values())))
        return self._partitions[number]

    async def _fold(self, fixtures: LiabilityFixtures, legs: Iterable[_Leg]) -> dict[str, bytes]:
        by_fixture: defaultdict[str, list[_Leg]] = defaultdict(list)
        for leg in legs:
            by_fixture[leg.entry.fixture_id].append(leg)
        changed = {}
        for fixture_id, of_fixture in by_fixture.items():
            before = fixtures.liability_of(fixture_id, self._currency)
            folded = fold(before, [leg.change for leg in of_fixture], time_us=self._clock.now_us())
            changed[fixture_id] = fixtures.keep(folded.liability)
            await self._bury_refused(folded.refused, of_fixture)
        return changed

    async def _bury_refused(self, refused: Iterable[tuple[LegChange, DomainError]], legs: Iterable[_Leg]) -> None:
        events = {leg.change.position: leg.event for leg in legs}
        for change, refusal in refused:
            await self._dead_letters.bury(
                events[change.position], reason=AGENT_ERROR, message=f"{refusal.reason}: {refusal.message}"
            )

    async def _publish(self, changed: Mapping[str, bytes]) -> None:
        # Also what did not change: a crash between sending and acknowledging is healed by the replay.
        await asyncio.gather(*(self._send(fixture_id, encoded) for fixture_id, encoded in changed.items()))
        await retry_while(Unavailable, lambda: self._copy.put(changed), step="put liability")
        PUBLISHED.inc(len(changed))

    async def _send(self, fixture_id: str, encoded: bytes) -> None:
        await retry_while(
            (OutletFull, DeliveryFailed),
            lambda: self._outlet.send_and_wait(LIABILITIES.name, fixture_id, encoded),
            step=f"send to {LIABILITIES.name}",
        )

    async def _move_exposure(self, legs: Iterable[_Leg]) -> None:
        # Acceptance is counted by whoever took the bet. The last change of a bet alone says whether it is open.
        last_by_leg = {(leg.bet_id, leg.entry.leg): leg for leg in legs if not leg.change.is_acceptance}
        limit = asyncio.Semaphore(EXPOSURE_CALLS_AT_ONCE_MAX)

        async def move(leg: _Leg) -> None:
            async with limit:
                await retry_while(Unavailable, lambda: self._move(leg), step="move exposure")

        await asyncio.gather(*(move(leg) for leg in last_by_leg.values()))

    async def _move(self, leg: _Leg) -> None:
        if leg.change.payout_minor < 0:
            await self._exposure.remove_bet(leg.bet_id, leg.entry.place)
        else:
            await self._exposure.add_bet(leg.entry, bet_id=leg.bet_id)

    async def _keep_copy_whole(self) -> None:
        await asyncio.gather(*(self._partition(number) for number in self._agent.partitions))
        now_s = self._clock.monotonic_s()
        if now_s < self._copy_check_due_s:
            return
        self._copy_check_due_s = now_s + COPY_CHECK_INTERVAL_S
        try:
            for number in await self._copy.missing(self._partitions.keys()):
                await self._copy.put_whole(number, self._partitions[number].encoded)
                log.info("liability.copy_restored", partition=number)
        except Unavailable as error:
            log.warning("liability.copy_unavailable", error=str(error))

    async def _look_for_ends(self) -> None:
        await self._ends.run(self._partitions.values())

    async def _end_fixtures(self) -> None:
        """Forget what has ended, and take out what is lost: what fails is found again at the next look."""
        try:
            for fixtures in self._partitions.values():
                await self._take_out_lost(fixtures)
                await self._forget_ended(fixtures)
        except Unavailable as error:
            log.warning("liability.copy_unavailable", error=str(error))
        except (OutletFull, DeliveryFailed) as error:
            log.warning("liability.not_forgotten", error=str(error))

    async def _take_out_lost(self, fixtures: LiabilityFixtures) -> None:
        lost = self._ends.take_lost(fixtures)
        if lost:
            log.warning("liability.lost_bets_taken_out", fixtures=len(lost), first=lost[0])
            now_us = self._clock.now_us()
            left = [without_bets(fixtures.liability_of(name, self._currency), time_us=now_us) for name in lost]
            await self._publish({liability.fixture_id: fixtures.keep(liability) for liability in left})

    async def _forget_ended(self, fixtures: LiabilityFixtures) -> None:
        ended = self._ends.take_ended(fixtures)
        if ended:
            # From the log last: what it does not have is not read back, and nobody would look for it in the copy.
            await self._copy.forget(ended)
            await asyncio.gather(*(self._outlet.send_and_wait(LIABILITIES.name, name, None) for name in ended))
            fixtures.drop(ended)
            FIXTURES.set(sum(map(len, self._partitions.values())))
            log.info("liability.fixtures_forgotten", fixtures=len(ended))
