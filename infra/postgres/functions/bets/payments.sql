-- What money a bet's result moves, in order: the standing credit back, then a payout or refund. What cash cannot cover
-- is advanced by the player's receivable account before, and what they owe is recovered from the credit after. The
-- accounts are locked.
CREATE OR REPLACE FUNCTION bets.payments(
    p_bet bets.bet, p_takes_back boolean, p_credit_kind text, p_credit_minor bigint
) RETURNS ledger.posting[] LANGUAGE plpgsql AS $$
DECLARE
    v_postings ledger.posting[];
BEGIN
    WITH now AS (
        SELECT cash.account_id AS cash_id, cash.currency, cash.posted_minor - cash.held_minor AS available_minor,
            owed.account_id AS owed_id, -owed.posted_minor AS debt_minor, back.row_id, back.debit_account_id AS paid_by,
            coalesce(back.amount_minor, 0) AS back_minor
        FROM ledger.account cash
        JOIN ledger.account owed
            ON owed.owner_id = cash.owner_id AND owed.kind = 'receivable' AND owed.currency = cash.currency
        LEFT JOIN ledger.transfer back ON p_takes_back AND back.row_id = (p_bet).credit_row_id
        WHERE cash.account_id = (p_bet).account_id
    ), amounts AS (
        SELECT *, CASE WHEN back_minor > 0 THEN greatest(0, back_minor - available_minor) ELSE 0 END AS advance_minor
        FROM now
    ), steps (step, kind, debit_account_id, credit_account_id, amount_minor, reverses_row_id, subject_id) AS (
        SELECT 1, 'advance', owed_id, cash_id, advance_minor, NULL::bigint, NULL::uuid FROM amounts
        UNION ALL
        SELECT 2, 'rollback', cash_id, paid_by, back_minor, row_id, (p_bet).bet_id FROM amounts
        UNION ALL
        SELECT 3, p_credit_kind, ledger.house_account(
            CASE p_credit_kind WHEN 'refund' THEN 'stakes' ELSE 'payouts' END, currency
        ), cash_id, p_credit_minor, NULL, (p_bet).bet_id FROM amounts WHERE p_credit_minor > 0
        UNION ALL
        SELECT 4, 'recovery', cash_id, owed_id, least(debt_minor + advance_minor, p_credit_minor), NULL, NULL
        FROM amounts WHERE p_credit_minor > 0
    )
    SELECT coalesce(array_agg(ROW(
        1, kind, debit_account_id, credit_account_id, amount_minor, reverses_row_id, subject_id
    )::ledger.posting ORDER BY step), '{}') INTO v_postings
    FROM steps WHERE amount_minor > 0;
    RETURN v_postings;
END
$$;
