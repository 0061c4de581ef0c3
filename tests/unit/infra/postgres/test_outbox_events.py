"""The outbox is open: an event is told by the one file that knows it, and by nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import pytest

from infra.migrations.postgres_functions import FUNCTIONS, read_functions
from infra.postgres.outbox.event import OutboxEvent, OutboxMessage, OutboxRow, Position
from infra.postgres.outbox.registry import EVENTS
from infra.stores import postgres_outbox
from infra.stores.postgres import Connection
from infra.stores.postgres_outbox import load_messages
from kernel.errors import InvariantBroken
from overround.audit.v1.audit_pb2 import Asked
from wire.topics import AUDIT

TELLS = re.compile(r"INSERT\s+INTO\s+ledger\.outbox\b(.*?);", re.IGNORECASE | re.DOTALL)
EVENT = re.compile(r"'([a-z_]+)'")
FIRST = UUID(int=1)


class FakeConnection:
    """Has one page of rows."""

    def __init__(self, *rows: tuple[str, int]) -> None:
        self._rows = rows

    async def fetch(self, _query: str, *_arguments: object) -> list[dict[str, object]]:
        return [
            {"transaction_id": 9, "row_id": row_id, "event": event, "subject": FIRST, "sequence": sequence}
            for row_id, (event, sequence) in enumerate(self._rows)
        ]


def made_up(name: str, loads: Counter[str]) -> OutboxEvent[str]:
    async def load(_connection: Connection, rows: Sequence[OutboxRow]) -> str:
        loads[name] += len(rows)
        return name

    def build(row: OutboxRow, loaded: str) -> OutboxMessage:
        return OutboxMessage(row.position, loaded, str(row.subject), str(row.sequence).encode())

    return OutboxEvent(name, "SELECT", load, build)


def test_every_event_that_a_function_writes_is_told_by_a_file_and_the_other_way_round() -> None:
    written = {
        event
        for function in read_functions(FUNCTIONS)
        for told in TELLS.findall(function.text)
        for event in EVENT.findall(told)
    }
    assert written == set(EVENTS)


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_has_its_name_in_what_it_has_to_tell_of(name: str) -> None:
    assert f"'{name}' AS event" in EVENTS[name].happened


async def test_an_added_event_is_told_in_its_place_and_read_once_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: Counter[str] = Counter()
    monkeypatch.setattr(postgres_outbox, "EVENTS", {name: made_up(name, loads) for name in ("won", "lost")})
    page = FakeConnection(("won", 0), ("lost", 7), ("won", 1))
    messages = await load_messages(page, Position(0, 0), 10)  # type: ignore[arg-type]
    assert [(message.position.row_id, message.topic, message.value) for message in messages] == [
        (0, "won", b"0"),
        (1, "lost", b"7"),
        (2, "won", b"1"),
    ]
    assert loads == {"won": 2, "lost": 1}


async def test_what_several_events_read_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: Counter[str] = Counter()
    one = made_up("won", loads)
    other = OutboxEvent("lost", "SELECT", one.load, one.build)
    monkeypatch.setattr(postgres_outbox, "EVENTS", {"won": one, "lost": other})
    page = FakeConnection(("won", 0), ("lost", 7))
    await load_messages(page, Position(0, 0), 10)  # type: ignore[arg-type]
    assert loads == {"won": 2}


class FakeDecisions:
    """Has decisions, the newest first."""

    async def fetch(self, _query: str, numbers: list[int]) -> list[dict[str, object]]:
        return [
            {
                "sequence": number,
                "decision": "drop_result",
                "subject": f"sim:{number}",
                "decided_by": f"person {number}",
                "reason": "wrong match",
                "time_us": number * 1_000_000,
            }
            for number in sorted(numbers, reverse=True)
        ]


@pytest.mark.parametrize("name", [name for name in EVENTS if name.endswith("_decided")])
async def test_a_decision_goes_into_the_audit_under_who_took_it(name: str) -> None:
    event = EVENTS[name]
    rows = [OutboxRow(Position(9, number), name, FIRST, number) for number in (3, 7)]
    loaded = await event.load(FakeDecisions(), rows)  # type: ignore[arg-type]
    messages = [event.build(row, loaded) for row in rows]
    assert [(message.topic, message.key) for message in messages] == [
        (AUDIT.name, "person 3"),
        (AUDIT.name, "person 7"),
    ]
    told = Asked.FromString(messages[0].value)
    assert (told.position.transaction_id, told.position.row_id) == (9, 3)
    decision = told.decision
    assert (decision.decision, decision.subject) == ("drop_result", "sim:3")
    assert (decision.decided_by, decision.reason, decision.time_us) == ("person 3", "wrong match", 3_000_000)


async def test_an_event_that_nobody_tells_stops_the_relay_rather_than_be_left_out() -> None:
    with pytest.raises(InvariantBroken, match="unheard"):
        await load_messages(FakeConnection(("unheard", 0)), Position(0, 0), 10)  # type: ignore[arg-type]
