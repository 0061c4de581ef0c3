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
