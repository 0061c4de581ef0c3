"""Whoever is told to have changed is looked at again: their session, and each of their streams."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from gateway.bet_feed import BetFeed
from gateway.player_follower import PlayerFollower
from infra.processes.parts.logs import PLAYER_LOG
from kernel.log import Record
from overround.pam.v1 import player_pb2
from pam.player import Player
from tests.fakes.fake_betting import PLAYER
from tests.fakes.fake_gateway import Door, Refused
from tests.unit.gateway.rpc.test_access import watch
from wire.players import build_player
from wire.topics import PLAYERS


def told(player: Player) -> Record:
    state = player_pb2.PlayerState(player=build_player(player), cash_account_id=str(player.cash_account_id))
    return Record(PLAYERS.name, 0, 0, 0, str(player.player_id), state.SerializeToString())


async def test_a_stream_of_whose_sessions_are_over_ends_with_its_next_message_and_others_go_on() -> None:
    door = Door()
    other = replace(PLAYER, player_id=uuid4())
    streams = [
        watch(door, "/overround.bets.v1.BettingService/WatchBets", await door.log_in(who)) for who in (PLAYER, other)
    ]
    for stream in streams:
        assert await anext(stream) == b"1"
    changed = replace(PLAYER, session_epoch=PLAYER.session_epoch + 1, excluded_until_us=2)
    door.stored_players.put(changed)
    PlayerFollower(door.auth).apply([told(changed)])
    with pytest.raises(Refused) as refused:
        await anext(streams[0])
    assert refused.value.reason == "SESSION_REQUIRED"
    finds = door.sessions.finds
    assert await anext(streams[1]) == b"2"
    assert door.sessions.finds == finds


async def test_who_changed_and_may_still_watch_is_looked_at_once() -> None:
    door = Door()
    stream = watch(door, "/overround.bets.v1.BettingService/WatchBets", await door.log_in(PLAYER))
    assert await anext(stream) == b"1"
    PlayerFollower(door.auth).apply([told(PLAYER)])
    finds = door.sessions.finds
    assert [await anext(stream), await anext(stream)] == [b"2", b"3"]
    assert door.sessions.finds == finds + 1


async def test_who_watches_the_bets_of_one_who_changed_looks_up_and_no_other_does() -> None:
    feed = BetFeed(watchers_max=2)
    own, others = feed.watch(PLAYER.cash_account_id), feed.watch(PLAYER.cash_account_id + 1)
    unreadable = Record(PLAYERS.name, 0, 1, 0, str(PLAYER.player_id), b"\xff")
    feed.apply_players([unreadable, told(PLAYER)])
    async with asyncio.timeout(1):
        await own.wait(60)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await others.wait(60)


def test_gateways_begin_with_what_is_told_from_now_on() -> None:
    assert (PLAYER_LOG.topics, PLAYER_LOG.start) == ((PLAYERS,), "end")
