-- Bring one bet whose row and accounts are locked to where a result leaves it, which is not where it stands.
--
-- What stands is taken back whole: what cash cannot cover is advanced by the player's receivable account first, so that
-- cash stays at zero or above. What the player owes is kept back from a payout, or from the refund of the stake.
CREATE OR REPLACE FUNCTION bets.apply_result(
    p_bet_id uuid, p_status smallint, p_return_minor bigint, p_is_refund boolean, p_result_key text, p_now_us bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_bet bets.bet;
    v_key text := p_result_key || '/' || p_bet_id;
    v_takes_back boolean;
    v_credit_kind text;
    v_locked ledger.locked;
    v_posted record;
BEGIN
    SELECT * INTO STRICT v_bet FROM bets.bet WHERE bet_id = p_bet_id;
    v_takes_back := v_bet.status <> 1;
    IF v_takes_back THEN
        PERFORM bets.record_event(
            p_bet_id, CASE WHEN v_bet.is_cancelled THEN 5 ELSE 3 END::smallint, -v_bet.return_minor, 1::smallint, 0,
            p_result_key, p_now_us);
    END IF;
    IF p_status <> 1 THEN
        v_credit_kind := CASE WHEN p_is_refund THEN 'refund' ELSE 'payout' END;
        PERFORM bets.record_event(
            p_bet_id, CASE WHEN p_is_refund THEN 4 ELSE 2 END::smallint, p_return_minor, p_status, p_return_minor,
            p_result_key, p_now_us);
    END IF;

    v_locked := ledger.lock_accounts(ARRAY(
        SELECT a.account_id FROM ledger.account a WHERE a.owner_id = v_bet.player_id AND a.kind IN ('cash', 'receivable')
    ), true);
    v_locked.now_us := p_now_us;
    v_posted := ledger.post(
        v_locked, ARRAY[ROW(
            'settlement', v_key, sha256(convert_to(concat_ws('/', v_key, p_status, p_return_minor), 'UTF8')),
            v_bet.account_id, jsonb_build_object('bet_id', p_bet_id), false, NULL, NULL
        )::ledger.asked],
        bets.payments(v_bet, v_takes_back, v_credit_kind, p_return_minor), '{}'
    );
    IF NOT v_posted.are_accepted[1] THEN
        RAISE EXCEPTION 'Result % must change bet % once, did before', p_result_key, p_bet_id
            USING ERRCODE = 'unique_violation';
    END IF;
    UPDATE bets.bet SET is_cancelled = p_is_refund, credit_row_id = (
        SELECT t.row_id FROM ledger.transfer t WHERE t.row_id = ANY (v_posted.row_ids) AND t.kind = v_credit_kind
    ) WHERE bet_id = p_bet_id;
END
$$;
