"""Every case of the trade against the product; what is not supported is named with what happens instead."""

from __future__ import annotations

import re
from typing import Final

import pytest

from infra.settings import ROOT
from tests.reference import public_feed_cases, public_number_cases
from tests.reference.public_cases import CHECK_BY_ID, MISSING, Case, cases_as_parameters, read_cases

PAGE: Final = ROOT / "docs" / "faults.md"
SUPPORTED_SINCE: Final = {"bf.multi_winner.full_sum_is_safe", "bf.names_at", "bf.names_vs", "bf.removal_reduction"}
MODULES: Final = (public_feed_cases, public_number_cases)
"""Importing them registers their checks."""
LISTED: Final = re.compile(r"^\| `([\w.]+)` \| (.+) \|$", re.MULTILINE)
"""A case that is not supported, and what happens instead: never money, never an open price."""


@pytest.mark.parametrize("case", cases_as_parameters())
def test_the_product_gives_the_right_value_or_what_is_listed_instead(case: Case) -> None:
    CHECK_BY_ID[case["id"]](case)


def test_every_case_has_its_check_and_the_list_of_what_is_not_supported_is_true() -> None:
    if not read_cases():
        pytest.skip(MISSING)
    known = {case["id"] for case in read_cases()}
    assert set(CHECK_BY_ID) == known
    listed = {case_id for case_id, _ in LISTED.findall(PAGE.read_text(encoding="utf-8"))}
    unsupported = {case["id"] for case in read_cases() if case["verdict"].startswith("not supported")}
    assert unsupported - SUPPORTED_SINCE <= listed <= known
