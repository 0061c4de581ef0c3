"""A spin as it is decided before the ledger: who may, which game, how much; and what was answered stays answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import UUID, uuid4

import pytest

from casino.games import GameTerms, GameUnknown, OfferedGame, StakeNotOnLines, StakeTooHigh, StakeTooLow
from casino.play import CasinoPlay
from casino.rounds import Played
from compliance.jurisdiction import Dated, Jurisdiction, Product
from compliance.permit import Permits, ProductNotPermitted
from infra.games import read_games
from infra.settings import HOUSE_DIR
from kernel.commands import RequestIdReused, fingerprint_of
from kernel.errors import DomainError, Part, Unavailable
from kernel.money import Money
from pam.player import Player, PlayerBlocked, PlayerStatus
from tests.currencies import RATES
from tests.fakes.fake_betting import PLAYER
from tests.fakes.fake_casino import FakeRandomNumbers, FakeRounds
from tests.fakes.fake_clock import FakeClock

DAY_US = 1_796_083_200_000_000
"""2026-12-01."""
TRIPLE_BELL = read_games(HOUSE_DIR).edition("triple_bell", 1).game
DAY = date(1970, 1, 1)
EURO = Money(100, "EUR")


class World:
    def __init__(self, *numbers: int, products: frozenset[Product] = frozenset(Product), now_us: int = DAY_US) -> None:
        self.rounds = FakeRounds()
        self.clock = FakeClock(now_us)
        rules = Jurisdiction("default", {"products": [Dated(DAY, products, "x")], "places": [Dated(DAY, None, "x")]})
        self.play = CasinoPlay(
            permits=Permits(rules, clock=self.clock),
            games=read_games(HOUSE_DIR),
            random=FakeRandomNumbers(*numbers),
            ledger=self.rounds,
            rates=RATES,
            clock=self.clock,
        )

    async def spin(self, request_id: UUID | None = None, *, stake: Money = EURO, code: str = "triple_bell") -> Played:
        return await self.play.spin(PLAYER, request_id or uuid4(), game_code=code, stake=stake)


async def test_what_is_drawn_decides_what_is_won_and_goes_to_the_ledger_with_its_terms() -> None:
    bells = tuple((reel.index("bell") - 1) % 10 for reel in TRIPLE_BELL.reels)
    world, request_id = World(*bells), uuid4()
    played = await world.spin(request_id)
    (command,) = world.rounds.commands
    assert played.round.win == command.win == Money(15_000, "EUR")
    assert (command.stops, command.game_version) == (bells, 1)
    assert (command.request_id, command.account_id) == (request_id, PLAYER.cash_account_id)
    assert command.fingerprint == fingerprint_of("triple_bell", 100, "EUR")
    assert (command.stake_minor_max, command.cycle_ms) == (500, 2_500)


async def test_neither_stake_nor_player_changes_what_is_drawn() -> None:
    played = [
        await World(4, 5, 6).play.spin(player, uuid4(), game_code="triple_bell", stake=Money(minor, "EUR"))
        for player in (PLAYER, replace(PLAYER, player_id=uuid4(), registered_time_us=1))
        for minor in (10, 500)
    ]
    assert {each.round.stops for each in played} == {(4, 5, 6)}


async def test_a_request_that_was_answered_gets_its_answer_whatever_refuses_by_now() -> None:
    world, request_id = World(1, 2, 3, 4, 5, 6), uuid4()
    first = await world.spin(request_id)
    assert await world.spin(request_id) == first
    blocked = replace(PLAYER, status=PlayerStatus.BLOCKED)
    assert await world.play.spin(blocked, request_id, game_code="triple_bell", stake=EURO) == first
    with pytest.raises(PlayerBlocked):
        await world.play.spin(blocked, uuid4(), game_code="triple_bell", stake=EURO)
    with pytest.raises(RequestIdReused):
        await world.spin(request_id, stake=Money(99_999, "EUR"))
    assert len(world.rounds.commands) == 1


REFUSED: dict[str, tuple[Money, str, type[DomainError]]] = {
    "below the least": (Money(9, "EUR"), "triple_bell", StakeTooLow),
    "above the most": (Money(501, "EUR"), "triple_bell", StakeTooHigh),
    "nothing": (Money(0, "EUR"), "triple_bell", StakeTooLow),
    "no game": (EURO, "quadruple_bell", GameUnknown),
}


@pytest.mark.parametrize(("stake", "code", "refusal"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_no_game_takes_is_refused_with_what_would_be(
    stake: Money, code: str, refusal: type[DomainError]
) -> None:
    world = World()
    with pytest.raises(refusal) as refused:
        await world.spin(stake=stake, code=code)
    if refusal is not GameUnknown:
        assert refused.value.figures == {"stake_min_minor": "10", "stake_max_minor": "500"}
    assert world.rounds.commands == []


@pytest.mark.parametrize("minor", [10, 500])
async def test_the_least_and_the_most_are_taken(minor: int) -> None:
    assert (await World(1, 2, 3).spin(stake=Money(minor, "EUR"))).round.stake.amount_minor == minor


def offer_to(player: Player) -> OfferedGame:
    return next(offer for offer in World().play.offers_for(player) if offer.game == TRIPLE_BELL)


async def test_a_stake_must_be_as_much_on_every_line() -> None:
    offer = offer_to(PLAYER)
    wide = replace(offer, game=replace(offer.game, lines=((0, 0, 0), (1, 1, 1), (2, 2, 2))))
    with pytest.raises(StakeNotOnLines) as refused:
        wide.expect_stake(EURO)
    assert refused.value.figures["stake_max_minor"] == "99"
    wide.expect_stake(Money(99, "EUR"))


async def test_where_the_rules_permit_no_games_there_are_none() -> None:
    world = World(products=frozenset({Product.SPORTS_BET}))
    with pytest.raises(ProductNotPermitted):
        await world.spin()


async def test_a_game_is_there_from_its_first_day_on() -> None:
    assert World(now_us=DAY_US - 2 * 86_400_000_000).play.offers_for(PLAYER) == []
    assert len(World().play.offers_for(PLAYER)) >= 1


async def test_terms_are_in_the_currency_of_the_account() -> None:
    offer, rate = offer_to(replace(PLAYER, currency="JPY")), RATES.rate_of("JPY")
    assert offer.terms.stake_minor_min == rate.from_reference_up(10)
    assert offer.terms.stake_minor_max == rate.from_reference_down(500)
    on_seven_lines = GameTerms(10, 500, 0).in_currency(RATES.rate_of("EUR"), unit_minor=7)
    assert (on_seven_lines.stake_minor_min, on_seven_lines.stake_minor_max) == (14, 497)


async def test_without_random_numbers_nothing_is_played() -> None:
    class Failing:
        def below(self, bound: int) -> int:
            raise Unavailable(Part.RANDOMNESS, "fails its tests")

    world = World()
    world.play._random = Failing()
    with pytest.raises(Unavailable) as refused:
        await world.spin()
    assert refused.value.reason == "RANDOMNESS_UNAVAILABLE"
    assert world.rounds.commands == []
