"""Sports are declared, a file each: what feeds call them, and which markets are asked about their fixtures."""

from __future__ import annotations

from collections import Counter

import pytest

from kernel.errors import InvariantBroken
from markets import contests
from markets.catalogue import SPORTS, TYPES, by_name, market_of
from markets.market_type import Family, Line
from markets.sport import Sport
from odds.sports.registry import PRICERS


def test_a_sport_is_declared_once() -> None:
    assert list(by_name([Sport("darts"), Sport("golf")])) == ["darts", "golf"]
    with pytest.raises(InvariantBroken):
        by_name([Sport("darts"), Sport("golf"), Sport("darts")])


def test_a_feed_calls_each_sport_by_a_name_of_its_own() -> None:
    sports = SPORTS.values()
    given = [("exchange", sport.exchange) for sport in sports if sport.exchange]
    given += [("uof", sport.uof) for sport in sports if sport.uof]
    given += [("odds-api", sport.odds_api.kind) for sport in sports if sport.odds_api is not None]
    assert [name for name, count in Counter(given).items() if count > 1] == []


def test_every_type_is_of_a_sport_or_of_any_contest() -> None:
    of_sports = [known for sport in SPORTS.values() for known in sport.types]
    assert [known.type_id for known in TYPES if known not in (*contests.TYPES, *of_sports)] == []


def test_what_a_feed_quotes_of_a_sport_is_asked_about_it() -> None:
    for sport in SPORTS.values():
        for key, type_id in sport.odds_api.types.items() if sport.odds_api else ():
            known = market_of(type_id).type
            assert known in (*sport.types, *contests.TYPES), (sport.name, key)
            assert known.line in (Line.NONE, Line.TOTAL, Line.HANDICAP), (sport.name, key)
            assert known.outcomes is Family.RUNNERS or not isinstance(known.outcomes, Family), (sport.name, key)


def test_what_has_a_model_is_declared() -> None:
    assert SPORTS.keys() >= PRICERS.keys()
