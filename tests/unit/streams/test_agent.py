"""What every agent does the same: events in, partitions that come and go, batches of which one event is bad."""

from __future__ import annotations

from typing import Any

import pytest
from faust.types import TP, EventT

from overround.feed.v1 import feed_pb2
from streams.agent import Agent, Places, fold_safely
from streams.dead_letters import DeadLetters
from streams.inbox import Inbox
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_faust import FakeApp, FakeEvent, FakeMessage, eventually
from tests.fakes.fake_outlet import FakeOutlet
from wire.topics import LIABILITY_DEAD_LETTERS

OWN, OTHERS = "own.v1", "others.v1"


class Folder:
    """Counts calls; fails where an event says so."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    async def fold(self, events: list[EventT[bytes]]) -> None:
        self.calls.append(len(events))
        if any(event.message.value == b"bad" for event in events):
            raise ValueError("does not fit")


async def test_events_wait_in_the_inbox_and_those_of_others_partitions_go() -> None:
    app: Any = FakeApp()
    inbox, left = Inbox(events_max=10), list[Places]()

    async def leave(places: Places) -> None:
        left.append(places)

    agent = Agent("own", [OWN], inbox=inbox, works=(), on_revoked=leave)
    agent.attach(app)
    assert not agent.is_assigned
    async with app:
        await app.on_partitions_assigned.send({TP(OWN, 0), TP(OWN, 1), TP(OTHERS, 2)})
        for partition in (0, 1):
            app.deliver(OWN, 7, b"", partition=partition)
        await eventually(lambda: len(inbox) == 2)
        await app.on_partitions_revoked.send({TP(OWN, 1), TP(OTHERS, 0)})
        assert agent.partitions == {0}
        assert list(left) == [{TP(OWN, 1)}]
        (event,) = await inbox.take(10, timeout_s=1)
    assert event.message.partition == 0


async def test_an_agent_that_sorts_events_in_itself_is_given_each() -> None:
    app: Any = FakeApp()
    inbox, sorted_in = Inbox(events_max=10), list[int]()

    async def sort_in(event: EventT[bytes]) -> None:
        sorted_in.append(event.message.offset)
        inbox.finish([event])

    Agent("own", [OWN], inbox=inbox, works=(), sort_in=sort_in).attach(app)
    async with app:
        for offset in (1, 2):
            app.deliver(OWN, offset, b"")
        await eventually(lambda: app.acknowledged == [(0, 1), (0, 2)])
    assert sorted_in == [1, 2]


@pytest.mark.parametrize("place", [0, 3, 7])
async def test_one_bad_event_costs_itself_alone(place: int) -> None:
    acknowledged: list[tuple[int, int]] = []
    values = [b"bad" if number == place else b"good" for number in range(8)]
    events: list[Any] = [
        FakeEvent(FakeMessage(OWN, 0, number, value), acknowledged) for number, value in enumerate(values)
    ]
    inbox, outlet, folder = Inbox(events_max=10), FakeOutlet(), Folder()
    for event in events:
        await inbox.put(event)
    dead_letters = DeadLetters(outlet, LIABILITY_DEAD_LETTERS.name, FakeClock())
    await fold_safely(await inbox.take(8, timeout_s=1), folder.fold, inbox=inbox, dead_letters=dead_letters)
    (letter,) = outlet.kept_of(LIABILITY_DEAD_LETTERS.name)
    assert feed_pb2.DeadLetter.FromString(letter).source == f"{OWN}-0-{place}"
    assert acknowledged == [(0, number) for number in range(8)]
    assert sorted(folder.calls) == [1, 1, 2, 2, 4, 4, 8]
