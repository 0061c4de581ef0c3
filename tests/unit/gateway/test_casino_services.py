"""Games of our own as a client meets them."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from casino.play import CasinoPlay
from casino.rounds import RoundUnknown
from compliance.permit import Permits
from gateway.casino_service import CasinoService
from infra.games import read_games
from infra.house import read_jurisdiction
from infra.settings import TEST_HOUSE_DIR
from kernel.ids import IdMalformed
from overround.casino.v1 import casino_service_pb2
from overround.common.v1 import money_pb2
from tests.currencies import RATES
from tests.fakes.fake_betting import PLAYER
from tests.fakes.fake_casino import FakeRandomNumbers, FakeRounds
from tests.fakes.fake_clock import FakeClock
from tests.fakes.fake_gateway import call_by
from wire.requests import RequestMalformed

NOW_US = 1_796_083_200_000_000
EURO = money_pb2.Money(amount_minor=100, currency="EUR")


def service(*numbers: int) -> CasinoService:
    clock, games, rounds = FakeClock(NOW_US), read_games(TEST_HOUSE_DIR), FakeRounds()
    permits = Permits(read_jurisdiction(TEST_HOUSE_DIR, "default"), clock=clock)
    play = CasinoPlay(
        permits=permits, games=games, random=FakeRandomNumbers(*numbers), ledger=rounds, rates=RATES, clock=clock
    )
    return CasinoService(play=play, ledger=rounds, games=games)


def spin_request(request_id: str = "") -> casino_service_pb2.SpinRequest:
    return casino_service_pb2.SpinRequest(request_id=request_id or str(uuid4()), game_code="triple_bell", stake=EURO)


async def test_a_game_is_listed_with_its_rules_and_what_it_returns() -> None:
    listed = await service().list_games(casino_service_pb2.ListGamesRequest(), call_by(PLAYER))
    game = next(game for game in listed.games if game.game_code == "triple_bell")
    assert (game.rtp_numerator, game.rtp_denominator) == (951, 1_000)
    assert (game.stake_min.amount_minor, game.stake_max.amount_minor, game.stake_max.currency) == (10, 500, "EUR")
    assert game.cycle_ms == 2_500
    assert [len(reel.symbols) for reel in game.reels] == [10, 10, 10]
    assert (game.pays[0].symbol, game.pays[0].count, game.pays[0].times) == ("bell", 3, 150)


async def test_a_spin_answers_what_was_seen_and_what_paid() -> None:
    answer = await service(9, 2, 4).spin(spin_request(), call_by(PLAYER))
    assert list(answer.round.stops) == [9, 2, 4]
    assert [reel.symbols[1] for reel in answer.round.window] == ["bell", "bell", "bell"]
    (win,) = answer.round.line_wins
    assert (win.line, win.symbol, win.count, win.times) == (0, "bell", 3, 150)
    assert (answer.round.win.amount_minor, answer.round.win.currency) == (15_000, "EUR")
    assert answer.balance.available.amount_minor == 1_000


async def test_a_round_is_found_again_by_its_player_alone() -> None:
    casino, request = service(9, 2, 4, 0, 0, 0), spin_request(str(uuid4()))
    played = await casino.spin(request, call_by(PLAYER))
    assert await casino.spin(request, call_by(PLAYER)) == played
    asked = casino_service_pb2.GetRoundRequest(round_id=played.round.round_id)
    assert (await casino.get_round(asked, call_by(PLAYER))).round == played.round
    listed = await casino.list_rounds(casino_service_pb2.ListRoundsRequest(), call_by(PLAYER))
    assert list(listed.rounds) == [played.round]
    with pytest.raises(RoundUnknown):
        await casino.get_round(asked, call_by(replace(PLAYER, player_id=uuid4())))


async def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(IdMalformed):
        await service().spin(spin_request("x"), call_by(PLAYER))
    with pytest.raises(IdMalformed):
        await service().get_round(casino_service_pb2.GetRoundRequest(round_id="x"), call_by(PLAYER))
    request = spin_request()
    request.stake.currency = "€"
    with pytest.raises(RequestMalformed):
        await service().spin(request, call_by(PLAYER))
