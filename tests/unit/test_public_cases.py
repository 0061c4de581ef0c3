"""Every case of the trade against the product; what is not supported is named with what happens instead."""

from __future__ import annotations

from typing import Final

import pytest

from tests.unit import public_feed_cases, public_number_cases
from tests.unit.public_cases import CHECK_BY_ID, MISSING, Case, cases_as_parameters, read_cases

INSTEAD_BY_ID: Final = {
    "accuracy.csv.ht_at_headings": "the file is refused as a whole, and the refusal names the heading that is missing",
    "bets.lucky15_bonus": "a bet of more than one leg is refused with BET_TYPE_UNSUPPORTED, so that no bonus is owed",
    "football.epl_2018_19_poisson": "the season is not among the recorded ones; other seasons hold the same fit",
}
"""Cases whose right value is not reached, and what happens instead: never money, never an open price."""

MODULES: Final = (public_feed_cases, public_number_cases)
"""Importing them registers their checks."""


@pytest.mark.parametrize("case", cases_as_parameters())
def test_the_product_gives_the_right_value_or_what_is_listed_instead(case: Case) -> None:
    CHECK_BY_ID[case["id"]](case)


def test_every_case_has_its_check_and_the_list_of_what_is_not_supported_is_true() -> None:
    if not read_cases():
        pytest.skip(MISSING)
    known = {case["id"] for case in read_cases()}
    assert set(CHECK_BY_ID) == known
    unsupported = {case["id"] for case in read_cases() if case["verdict"].startswith("not supported")}
    now_supported = {"bf.multi_winner.full_sum_is_safe", "bf.names_at", "bf.names_vs", "bf.removal_reduction"}
    assert unsupported - now_supported <= set(INSTEAD_BY_ID) <= known
