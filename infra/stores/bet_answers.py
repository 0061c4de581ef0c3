"""Answers to place commands, as the ledger stores them and as they were given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from bets.answer import BetAnswer, BetRefusal, LegRefusal, PlaceCommand
from bets.bet import Bet, BetEvent, BetEventKind, BetStatus
from infra.stores.bet_rows import load_bet_rows
from infra.stores.postgres import Connection
from wallet.balance import Balance


def new_answer(command: PlaceCommand, answer: dict[str, Any]) -> BetAnswer:
    """Return the answer that a command has just got."""
    if "refusal" in answer:
        return BetAnswer(bet=None, refusal=_read_refusal(answer["refusal"]), balance=None, is_replay=False)
    placed_time_us = answer["placed_time_us"]
    stake_minor = command.stake.amount_minor
    bet = Bet(
        bet_id=UUID(answer["bet_id"]),
        player_id=command.player_id,
        request_id=command.request_id,
        legs=command.legs,
        lines=command.lines,
        stake=command.stake,
        potential_return_minor=command.potential_return_minor,
        status=BetStatus.OPEN,
        return_minor=0,
        placed_time_us=placed_time_us,
        settled_time_us=None,
        events=(BetEvent(BetEventKind.ACCEPTED, placed_time_us, -stake_minor),),
    )
    return BetAnswer(bet=bet, refusal=None, balance=Balance(**answer["balance"]), is_replay=False)


async def read_replays(connection: Connection, answers: Sequence[dict[str, Any]]) -> list[BetAnswer]:
    """Return stored answers as they were given, in order."""
    bet_ids = [UUID(answer["bet_id"]) for answer in answers if "bet_id" in answer]
    rows = await load_bet_rows(connection, bet_ids) if bet_ids else {}
    return [
        BetAnswer(bet=None, refusal=_read_refusal(answer["refusal"]), balance=None, is_replay=True)
        if "refusal" in answer
        else BetAnswer(
            bet=rows[UUID(answer["bet_id"])].after(0),
            refusal=None,
            balance=Balance(**answer["balance"]),
            is_replay=True,
        )
        for answer in answers
    ]


def dump_refusal(refusal: BetRefusal) -> str:
    """Return a refusal as it is stored."""
    return orjson.dumps(refusal).decode()


def _read_refusal(stored: dict[str, Any]) -> BetRefusal:
    legs = tuple(LegRefusal(**leg) for leg in stored.get("legs", ()))
    # Before legs had refusals of their own, the price of a single's leg stood beside the stakes.
    price = {name: stored.pop(name, None) for name in ("decimal_odds_milli", "book_version")}
    if price["decimal_odds_milli"] is not None:
        legs = (LegRefusal(0, stored["reason"], stored["message"], **price),)
    return BetRefusal(**stored | {"legs": legs})
