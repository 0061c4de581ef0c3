"""Small builders for lines of an Exchange Stream, and what an adapter made of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from gateway.feeds.betfair import BetfairAdapter
from gateway.feeds.reading import Reading
from overround.feed.v1.feed_pb2 import FeedUpdate


def definition(**changes: Any) -> dict[str, Any]:
    runners = [{"id": 11, "sortPriority": 1, "status": "ACTIVE"}, {"id": 22, "sortPriority": 2, "status": "ACTIVE"}]
    return {
        "eventId": "77",
        "eventTypeId": "1",
        "marketType": "MATCH_ODDS",
        "bettingType": "ODDS",
        "marketTime": "2026-01-02T12:00:00.000Z",
        "status": "OPEN",
        "inPlay": False,
        "numberOfWinners": 1,
        "runners": runners,
    } | changes


def line(time_ms: int = 1, *, operation: str = "mcm", **change: Any) -> bytes:
    message: dict[str, Any] = {"op": operation, "pt": time_ms, "clk": str(time_ms)}
    if change:
        message["mc"] = [{"id": "1.1"} | change]
    return json.dumps(message).encode()


def prices(runner_id: Any, **ladders: Any) -> dict[str, Any]:
    return {"id": runner_id} | ladders


def odds_of(update: FeedUpdate) -> dict[str, int]:
    odds = np.frombuffer(update.quotes.decimal_odds_milli, "<u4").tolist()
    return dict(zip(update.quotes.outcome_ids, odds, strict=True))


def status_of(update: FeedUpdate) -> int:
    (status,) = update.quotes.market_statuses
    return status


def only(reading: Reading) -> FeedUpdate:
    assert not reading.refusals
    (update,) = reading.updates
    return update


def reasons(reading: Reading) -> list[str]:
    assert not reading.updates
    return [refusal.reason for refusal in reading.refusals]


def begun(**changes: Any) -> BetfairAdapter:
    adapter = BetfairAdapter()
    only(adapter.read(line(1, img=True, marketDefinition=definition(**changes))))
    return adapter
