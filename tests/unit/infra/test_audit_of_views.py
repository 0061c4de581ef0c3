"""What differs between the open bets and what is kept of them is told, and what is on its way is not."""

from __future__ import annotations

import io
from uuid import UUID

import pytest
from rich.console import Console

from infra.audit import run_audit
from infra.audit_check import Finding
from infra.audit_views import compare_bets, compare_derived, compare_sums, compare_totals
from infra.settings import Settings
from infra.stores.exposure import pack_entry
from risk.liability import FixtureLiability, MarketLiability, OutcomeLiability
from risk.ports import ExposureEntry
from wire.risk import build_fixture_liability

ONE, TWO = UUID(int=1), UUID(int=2)
HOME = ExposureEntry("match", "1x2", "home", 100, 250)
AWAY = ExposureEntry("match", "1x2", "away", 50, 200)
HASH = {
    f"b{ONE}": pack_entry(HOME),
    "rplayer:request": pack_entry(AWAY),
    "s1x2": "150",
    "p1x2\x1fhome": "250",
    "p1x2\x1faway": "200",
    "o1x2": "home\x1faway",
}


def test_bets_that_open_or_close_meanwhile_are_no_difference() -> None:
    assert compare_bets({(ONE, 0): HOME}, {(ONE, 0): HOME}, {(ONE, 0): HOME}) == {}
    assert compare_bets({}, {}, {(ONE, 0): HOME}) == {}
    assert compare_bets({}, {(ONE, 0): HOME}, {(ONE, 0): HOME}) == {}
    assert compare_bets({(ONE, 0): HOME}, {(ONE, 0): HOME}, {}) == {}
    assert compare_bets({(ONE, 0): HOME}, {}, {}) == {}


def test_a_bet_that_is_not_counted_or_counted_wrongly_or_counted_though_closed_is_told() -> None:
    assert "not counted" in compare_bets({(ONE, 0): HOME}, {}, {(ONE, 0): HOME})["bet", str(ONE), "0"]
    assert (
        "not open"
        in compare_bets({(ONE, 0): HOME}, {(ONE, 0): HOME, (TWO, 0): AWAY}, {(ONE, 0): HOME})["bet", str(TWO), "0"]
    )
    assert "is counted for" in compare_bets({(ONE, 0): HOME}, {(ONE, 0): AWAY}, {(ONE, 0): HOME})["bet", str(ONE), "0"]


def test_each_sum_of_exposure_is_that_of_bets_and_reservations() -> None:
    assert compare_totals("match", HASH) == {}
    for field in ("s1x2", "p1x2\x1fhome", "p1x2\x1faway"):
        assert list(compare_totals("match", {**HASH, field: "149"})) == [("sum", "match", field)]
        assert list(compare_totals("match", {name: HASH[name] for name in HASH if name != field})) == [
            ("sum", "match", field)
        ]
    assert list(compare_totals("match", {**HASH, "sbtts": "5"})) == [("sum", "match", "sbtts")]


def test_a_liability_is_compared_where_the_ledger_stood_still() -> None:
    key = ("match", "1x2", "home")
    assert compare_sums({key: (1, 100, 250)}, {key: (1, 100, 250)}, {key: (1, 100, 250)}) == {}
    assert compare_sums({key: (1, 100, 250)}, {}, {key: (2, 200, 500)}) == {}
    assert compare_sums({}, {key: (0, 0, 0)}, {}) == {}
    for published in ({}, {key: (2, 100, 250)}, {key: (1, 99, 250)}, {key: (1, 100, 251)}):
        assert list(compare_sums({key: (1, 100, 250)}, published, {key: (1, 100, 250)})) == [key]
    assert list(compare_sums({}, {key: (1, 100, 250)}, {})) == [key]


def test_sums_and_worst_losses_of_a_liability_follow_from_its_outcomes() -> None:
    market = MarketLiability("1x2", {"home": OutcomeLiability(100, 250, 1)})
    message = build_fixture_liability(FixtureLiability("match", "EUR", markets={"1x2": market}))
    assert compare_derived(message) == {}
    message.worst_loss_minor += 1
    assert list(compare_derived(message)) == [("derived", "match")]
    message.worst_loss_minor -= 1
    message.markets[0].stake_minor += 1
    assert list(compare_derived(message)) == [("derived", "match")]


def test_what_is_wrong_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said, violation = io.StringIO(), "liability of 'x[/red]' was [bold] 5"

    async def find(_settings: Settings, **_options: bool) -> list[Finding]:
        return [Finding("Liability is that of the open bets", 1, (violation,))]

    monkeypatch.setattr("infra.audit._audit_all", find)
    assert not run_audit(Settings(), Console(file=said, width=200), must_check_copy=False)
    assert violation in said.getvalue()
