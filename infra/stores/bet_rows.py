"""Bets out of their rows. A bet's rows never change but by new events, so it can be had as it was after any of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from bets.bet import Bet, BetEvent, BetEventKind, BetStatus, Leg, Line
from infra.stores.postgres import Connection
from kernel.money import Money
from kernel.rates import ReferenceRate

_BETS = """
    SELECT bet_id, player_id, request_id, account_id, lines, stake_minor, currency, potential_return_minor,
        placed_time_us, reference_currency, rate_micro, rate_day
    FROM bets.bet WHERE bet_id = ANY ($1::uuid[])
"""
_LEGS = """
    SELECT bet_id, fixture_id, market_id, outcome_id, decimal_odds_milli, book_version, is_in_play, fixture_name
    FROM bets.leg WHERE bet_id = ANY ($1::uuid[]) ORDER BY bet_id, leg
"""
_EVENTS = """
    SELECT bet_id, kind, time_us, amount_minor, status, return_minor
    FROM bets.event WHERE bet_id = ANY ($1::uuid[]) ORDER BY bet_id, sequence
"""


@dataclass(frozen=True, slots=True)
class BetRows:
    """The rows of one bet, legs and events in order."""

    bet: asyncpg.Record
    legs: Sequence[asyncpg.Record]
    events: Sequence[asyncpg.Record]

    @property
    def account_id(self) -> int:
        """The cash account that the stake came from."""
        account_id: int = self.bet["account_id"]
        return account_id

    @property
    def rate(self) -> ReferenceRate:
        """The rate by which it is reckoned in the reference currency."""
        return read_rate(self.bet)

    def now(self) -> Bet:
        """Return the bet after its last event."""
        return self.after(len(self.events) - 1)

    def after(self, sequence: int) -> Bet:
        """Return the bet as it was right after the event of that number."""
        last = self.events[sequence]
        status = BetStatus(last["status"])
        return Bet(
            bet_id=_uuid(self.bet["bet_id"]),
            player_id=_uuid(self.bet["player_id"]),
            request_id=_uuid(self.bet["request_id"]),
            legs=tuple(_leg(row) for row in self.legs),
            lines=read_lines(self.bet["lines"]),
            stake=Money(self.bet["stake_minor"], self.bet["currency"]),
            potential_return_minor=self.bet["potential_return_minor"],
            status=status,
            return_minor=last["return_minor"],
            placed_time_us=self.bet["placed_time_us"],
            settled_time_us=None if status is BetStatus.OPEN else last["time_us"],
            events=tuple(
                BetEvent(BetEventKind(row["kind"]), row["time_us"], row["amount_minor"])
                for row in self.events[: sequence + 1]
            ),
        )


def read_lines(masks: Sequence[int]) -> tuple[Line, ...]:
    """Return lines as they are stored: bits of their legs, the lowest for leg 0."""
    return tuple(tuple(leg for leg in range(mask.bit_length()) if mask >> leg & 1) for mask in masks)


def dump_lines(lines: Sequence[Line]) -> str:
    """Return lines as they are stored, as PostgreSQL writes arrays."""
    return "{" + ",".join(str(sum(1 << leg for leg in line)) for line in lines) + "}"


def read_rate(row: asyncpg.Record) -> ReferenceRate:
    """Return the rate of a bet, of a row that has its columns."""
    return ReferenceRate(row["currency"], row["reference_currency"], row["rate_micro"], row["rate_day"])


async def load_bet_rows(connection: Connection, bet_ids: Sequence[UUID]) -> Mapping[UUID, BetRows]:
    """Return the rows of those bets that exist, by bet id."""
    bets = await connection.fetch(_BETS, bet_ids)
    legs = _by_bet(await connection.fetch(_LEGS, bet_ids))
    events = _by_bet(await connection.fetch(_EVENTS, bet_ids))
    return {row["bet_id"]: BetRows(row, legs[row["bet_id"]], events[row["bet_id"]]) for row in bets}


def _by_bet(rows: Sequence[asyncpg.Record]) -> dict[UUID, list[asyncpg.Record]]:
    grouped: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        grouped[row["bet_id"]].append(row)
    return grouped


def _leg(row: asyncpg.Record) -> Leg:
    return Leg(
        fixture_id=row["fixture_id"],
        market_id=row["market_id"],
        outcome_id=row["outcome_id"],
        decimal_odds_milli=row["decimal_odds_milli"],
        book_version=row["book_version"],
        is_in_play=row["is_in_play"],
        fixture_name=row["fixture_name"],
    )


def _uuid(value: UUID) -> UUID:
    # asyncpg's own UUID class is a subclass: a plain one keeps reprs and pickles plain.
    return UUID(int=value.int)
