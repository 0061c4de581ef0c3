-- Apply a result to one bet whose row and accounts are locked; true where it changed something. p_return_minor and
-- p_result_status are those of a settlement.
--
-- What stands is taken back whole: what cash cannot cover is advanced by the player's receivable account first, so that
-- cash stays at zero or above. What the player owes is kept back from a payout, or from the refund of the stake.
CREATE OR REPLACE FUNCTION bets.apply_result(
    p_bet_id uuid, p_kind smallint, p_return_minor bigint, p_result_status smallint, p_result_key text, p_now_us bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_bet bets.bet;
    v_key text := p_result_key || '/' || p_bet_id;
    v_stands boolean;
    v_is_idle boolean;
    v_takes_back boolean;
    v_credit_kind text;
    v_credit_minor bigint;
    v_postings ledger.posting[] := '{}';
    v_locked ledger.locked;
    v_posted record;
BEGIN
    SELECT * INTO STRICT v_bet FROM bets.bet WHERE bet_id = p_bet_id;
    v_stands := v_bet.result_status IS NOT NULL;
    v_is_idle := CASE p_kind
        WHEN 1 THEN v_stands AND v_bet.result_return_minor = p_return_minor AND v_bet.result_status = p_result_status
        WHEN 2 THEN NOT v_stands
        WHEN 3 THEN v_bet.is_cancelled
        ELSE NOT v_bet.is_cancelled
    END;
    IF v_is_idle THEN
        RETURN false;
    END IF;
    v_takes_back := p_kind = 4 OR (v_stands AND NOT v_bet.is_cancelled);
    IF v_takes_back THEN
        PERFORM bets.record_event(
            p_bet_id, CASE p_kind WHEN 4 THEN 5 ELSE 3 END::smallint, -v_bet.return_minor, 1::smallint, 0, p_result_key,
            p_now_us);
    END IF;

    UPDATE bets.bet SET
        is_cancelled = CASE p_kind WHEN 3 THEN true WHEN 4 THEN false ELSE is_cancelled END,
        result_return_minor = CASE p_kind WHEN 1 THEN p_return_minor WHEN 2 THEN NULL ELSE result_return_minor END,
        result_status = CASE p_kind WHEN 1 THEN p_result_status WHEN 2 THEN NULL ELSE result_status END
    WHERE bet_id = p_bet_id RETURNING * INTO v_bet;

    IF p_kind = 3 THEN
        v_credit_kind := 'refund';
        v_credit_minor := v_bet.stake_minor;
        PERFORM bets.record_event(
            p_bet_id, 4::smallint, v_bet.stake_minor, 3::smallint, v_bet.stake_minor, p_result_key, p_now_us);
    ELSIF v_bet.result_status IS NOT NULL AND NOT v_bet.is_cancelled THEN
        v_credit_kind := 'payout';
        v_credit_minor := v_bet.result_return_minor;
        PERFORM bets.record_event(
            p_bet_id, 2::smallint, v_bet.result_return_minor, v_bet.result_status, v_bet.result_return_minor,
            p_result_key, p_now_us);
    END IF;

    v_locked := ledger.lock_accounts(ARRAY(
        SELECT a.account_id FROM ledger.account a WHERE a.owner_id = v_bet.player_id AND a.kind IN ('cash', 'receivable')
    ), true);
    v_locked.now_us := p_now_us;
    v_posted := ledger.post(
        v_locked, ARRAY[ROW(
            'settlement', v_key, sha256(convert_to(concat_ws('/', v_key, p_kind, p_return_minor), 'UTF8')),
            v_bet.account_id, jsonb_build_object('bet_id', p_bet_id), false, NULL, NULL
        )::ledger.asked],
        bets.payments(v_bet, v_takes_back, v_credit_kind, v_credit_minor), '{}'
    );
    IF NOT v_posted.are_accepted[1] THEN
        RAISE EXCEPTION 'Result % must change bet % once, did before', p_result_key, p_bet_id
            USING ERRCODE = 'unique_violation';
    END IF;
    IF v_takes_back OR v_credit_kind IS NOT NULL THEN
        UPDATE bets.bet SET credit_row_id = (
            SELECT t.row_id FROM ledger.transfer t WHERE t.row_id = ANY (v_posted.row_ids) AND t.kind = v_credit_kind
        ) WHERE bet_id = p_bet_id;
    END IF;
    RETURN true;
END
$$;
