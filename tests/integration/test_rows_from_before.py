"""A ledger that an earlier version wrote is brought along with what is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from infra.migrations.postgres_migration import migrate_postgres
from infra.settings import Settings
from tests.integration.test_audit import on_server, with_database
from tests.integration.test_functions_as_files import leave_at, run

BET, PLAYER, TRANSFER = (UUID(int=number) for number in (1, 2, 3))
WRITTEN = f"""
    INSERT INTO bets.bet (
        bet_id, player_id, request_id, account_id, stake_minor, currency, potential_return_minor, placed_time_us
    ) VALUES ('{BET}', '{PLAYER}', gen_random_uuid(), 7, 100, 'EUR', 200, 1);
    INSERT INTO bets.leg (
        bet_id, leg, fixture_id, market_id, outcome_id, decimal_odds_milli, book_version, is_in_play, fixture_name
    ) SELECT '{BET}', leg, 'sim:1:' || leg, '1x2', 'home', 2000, 1, false, 'Ajax v Feyenoord'
    FROM generate_series(0, 1) AS leg;
    INSERT INTO ledger.transfer (
        transfer_id, provider, key, leg, kind, debit_account_id, credit_account_id, amount_minor, currency,
        debit_version, time_us
    ) VALUES ('{TRANSFER}', 'bets', 'x', 0, 'stake', 7, 1, 100, 'EUR', 1, 1);
    INSERT INTO ledger.outbox (kind, subject_id, event_sequence, leg, transfer_row_id, time_us) VALUES
        (4, '{PLAYER}', NULL, NULL, NULL, 1), (1, '{BET}', 3, NULL, NULL, 1), (2, '{BET}', 3, 0, NULL, 1),
        (2, '{BET}', 3, 1, NULL, 1), (3, NULL, NULL, NULL, (SELECT row_id FROM ledger.transfer), 1);
"""


@pytest.fixture
def earlier(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A database as it was before there were files of functions, with a bet of two legs in it."""
    made = with_database(settings, f"scratch_{uuid4().hex[:12]}")
    leave_at(made, "0017", tmp_path)
    run(made, WRITTEN)
    migrate_postgres(made)
    yield made
    asyncio.run(on_server(settings, f"DROP DATABASE {made.postgres.database} WITH (FORCE)"))


def test_what_waits_in_the_outbox_is_told_by_the_names_of_now(earlier: Settings) -> None:
    with psycopg.connect(earlier.postgres_dsn) as connection:
        rows = connection.execute("SELECT event, subject, sequence FROM ledger.outbox ORDER BY row_id").fetchall()
        (row_id,) = connection.execute("SELECT row_id FROM ledger.transfer").fetchone() or (None,)
    assert rows == [
        ("player_registered", PLAYER, 0),
        ("bet_changed", BET, 3),
        ("leg_changed", BET, 6),
        ("leg_changed", BET, 7),
        ("transfer_posted", TRANSFER, row_id),
    ]


def test_legs_say_whose_they_are_and_stay_as_they_are(earlier: Settings) -> None:
    with psycopg.connect(earlier.postgres_dsn) as connection:
        rows = connection.execute("SELECT leg, player_id FROM bets.leg ORDER BY leg").fetchall()
        assert rows == [(0, PLAYER), (1, PLAYER)]
        with pytest.raises(psycopg.errors.RestrictViolation):
            connection.execute("UPDATE bets.leg SET player_id = bet_id")


BETS = [UUID(int=number) for number in range(10, 15)]
"""Placed one after the other, at 10 to 14 ms: each a single on home, but for the last, which is on away as well."""

SETTLED = '{"outcomes": [{"outcome_id": "home"}, {"outcome_id": "away"}]}'
RESULTS = (
    # key, market, kind, result, echo, complete, how far
    ("1", "1x2", 1, SETTLED, False, True, 0),
    ("2", "1x2", 2, '{"outcomes": []}', False, True, 0),
    ("3", "1x2", 1, '{"outcomes": [{"outcome_id": "home"}]}', False, True, 0),
    ("4", "1x2", 1, SETTLED, True, True, 0),
    ("5", "1x2", 3, '{"window_start_ms": 11, "window_end_ms": 13}', False, True, 0),
    ("6", "1x2", 4, '{"window_start_ms": 12, "window_end_ms": 0}', False, False, 13),
    ("7", "total_goals/2.5", 1, SETTLED, False, True, 0),
)
SET_ASIDE = ((10, "3", "held"), (11, "3", "applied"), (12, "3", "superseded"))
WRITTEN_WITH_RESULTS = "".join(
    [
        *(
            f"""
            INSERT INTO bets.bet (
                bet_id, player_id, request_id, account_id, stake_minor, currency, potential_return_minor,
                placed_time_us, lines, reference_currency, rate_micro
            ) VALUES ('{bet_id}', '{PLAYER}', gen_random_uuid(), 7, 100, 'EUR', 200, {bet_id.int} * 1000, '{{1}}',
                'EUR', 1000000);
            INSERT INTO bets.leg (
                bet_id, leg, player_id, fixture_id, market_id, outcome_id, decimal_odds_milli, book_version, is_in_play,
                fixture_name
            ) VALUES ('{bet_id}', 0, '{PLAYER}', 'sim:1', '1x2', 'home', 2000, 1, false, 'Ajax v Feyenoord');
            """
            for bet_id in BETS
        ),
        f"""
        INSERT INTO bets.leg SELECT bet_id, 1, fixture_id, market_id, 'away', decimal_odds_milli, book_version,
            is_in_play, fixture_name, player_id FROM bets.leg WHERE bet_id = '{BETS[-1]}';
        UPDATE bets.bet SET lines = '{{1,2}}' WHERE bet_id = '{BETS[-1]}';
        """,
        *(
            f"""
            INSERT INTO bets.settlement (
                result_key, provider_id, fixture_id, market_id, kind, result, is_echo, is_complete, last_bet_id,
                begun_time_us
            ) VALUES ('{key}', 'uof', 'sim:1', '{market_id}', {kind}, '{result}', {is_echo}, {is_complete},
                '{UUID(int=last)}', {key} * 1000000);
            """
            for key, market_id, kind, result, is_echo, is_complete, last in RESULTS
        ),
        *(
            f"""
            INSERT INTO bets.unsettled (bet_id, result_key, kind, return_minor, result_status, state, reason, detail)
            VALUES ('{UUID(int=bet)}', '{key}', 1, 200, 2, '{state}', 'LEDGER_REFUSED', '');
            """
            for bet, key, state in SET_ASIDE
        ),
    ]
)


def test_each_leg_from_before_has_the_results_that_had_their_say_on_it(settings: Settings, tmp_path: Path) -> None:
    made = with_database(settings, f"scratch_{uuid4().hex[:12]}")
    try:
        leave_at(made, "0025", tmp_path)
        run(made, WRITTEN_WITH_RESULTS)
        migrate_postgres(made)
        with psycopg.connect(made.postgres_dsn) as connection:
            kept = connection.execute("""
                SELECT bet_id, leg, string_agg(kind || ':' || result_key, ' ' ORDER BY sequence),
                    array_agg(sequence ORDER BY sequence)
                FROM bets.leg_result GROUP BY bet_id, leg ORDER BY bet_id, leg
            """).fetchall()
    finally:
        asyncio.run(on_server(settings, f"DROP DATABASE IF EXISTS {made.postgres.database} WITH (FORCE)"))
    assert kept == [
        (BETS[0], 0, "1:1 2:2", [0, 1]),
        (BETS[1], 0, "1:1 2:2 1:3 3:5", [0, 1, 2, 3]),
        (BETS[2], 0, "1:1 2:2 3:5 4:6", [0, 1, 2, 3]),
        (BETS[3], 0, "1:1 2:2 1:3 4:6", [0, 1, 2, 3]),
        (BETS[4], 0, "1:1 2:2 1:3", [0, 1, 2]),
        (BETS[4], 1, "1:1 2:2", [0, 1]),
    ]
