"""Each function of the ledger has one file, which makes it and says what it is for."""

from __future__ import annotations

import re

from infra.migrations.postgres_functions import DROPPED, FUNCTIONS, read_functions


def test_a_file_makes_the_function_that_it_is_named_after_and_says_what_it_is_for() -> None:
    functions = read_functions(FUNCTIONS)
    assert {function.name for function in functions} >= {"bets.place", "ledger.adopt", "pam.register"}
    for function in functions:
        if function.digest != DROPPED:
            assert function.text.startswith("-- "), function.name
            made = re.findall(r"^CREATE OR REPLACE FUNCTION ([a-z_.]+)\(", function.text, re.MULTILINE)
            assert made == [function.name]


def test_every_file_is_in_the_folder_of_a_schema() -> None:
    assert {path.parent.parent for path in FUNCTIONS.rglob("*.sql")} == {FUNCTIONS}
