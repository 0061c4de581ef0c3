-- Credit a bet: a payout, or the refund of its stake. What the player owes is kept back from it.
CREATE OR REPLACE FUNCTION bets.credit(
    p_bet_id uuid, p_kind text, p_amount_minor bigint, p_key text, p_now_us bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_cash record;
    v_receivable record;
    v_row_id bigint;
BEGIN
    IF p_amount_minor > 0 THEN
        SELECT a.account_id, a.owner_id, a.currency INTO STRICT v_cash
        FROM bets.bet b JOIN ledger.account a USING (account_id) WHERE b.bet_id = p_bet_id;
        v_row_id := ledger.move(
            'settlement', p_key, p_kind,
            ledger.house_account(CASE p_kind WHEN 'refund' THEN 'stakes' ELSE 'payouts' END, v_cash.currency),
            v_cash.account_id, p_amount_minor, NULL, p_bet_id, p_now_us
        );
        SELECT a.account_id, -a.posted_minor AS debt_minor INTO STRICT v_receivable FROM ledger.account a
        WHERE a.owner_id = v_cash.owner_id AND a.kind = 'receivable' AND a.currency = v_cash.currency;
        IF v_receivable.debt_minor > 0 THEN
            PERFORM ledger.move(
                'settlement', p_key, 'recovery', v_cash.account_id, v_receivable.account_id,
                least(v_receivable.debt_minor, p_amount_minor), NULL, NULL, p_now_us
            );
        END IF;
    END IF;
    UPDATE bets.bet SET credit_row_id = v_row_id WHERE bet_id = p_bet_id;
END
$$;
