-- Reverse the standing credit of a bet. What cash cannot cover is advanced by the player's receivable account first, so
-- that the reversal is whole and cash stays at zero or above.
CREATE OR REPLACE FUNCTION bets.take_back(p_bet_id uuid, p_key text, p_now_us bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_original record;
    v_cash record;
    v_receivable_id bigint;
BEGIN
    SELECT t.row_id, t.debit_account_id, t.credit_account_id, t.amount_minor INTO v_original
    FROM bets.bet b JOIN ledger.transfer t ON t.row_id = b.credit_row_id WHERE b.bet_id = p_bet_id;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT a.owner_id, a.currency, a.posted_minor - a.held_minor AS available_minor INTO STRICT v_cash
    FROM ledger.account a WHERE a.account_id = v_original.credit_account_id;
    IF v_cash.available_minor < v_original.amount_minor THEN
        SELECT a.account_id INTO STRICT v_receivable_id FROM ledger.account a
        WHERE a.owner_id = v_cash.owner_id AND a.kind = 'receivable' AND a.currency = v_cash.currency;
        PERFORM ledger.move(
            'settlement', p_key, 'advance', v_receivable_id, v_original.credit_account_id,
            v_original.amount_minor - v_cash.available_minor, NULL, NULL, p_now_us
        );
    END IF;
    PERFORM ledger.move(
        'settlement', p_key, 'rollback', v_original.credit_account_id, v_original.debit_account_id,
        v_original.amount_minor, v_original.row_id, p_bet_id, p_now_us
    );
    UPDATE bets.bet SET credit_row_id = NULL WHERE bet_id = p_bet_id;
END
$$;
