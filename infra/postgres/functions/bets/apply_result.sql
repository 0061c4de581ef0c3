-- Apply a result to one bet whose row and accounts are locked; true where it changed something. p_return_minor and
-- p_result_status are those of a settlement.
CREATE OR REPLACE FUNCTION bets.apply_result(
    p_bet_id uuid, p_kind smallint, p_return_minor bigint, p_result_status smallint, p_result_key text, p_now_us bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_bet bets.bet;
    v_key text := p_result_key || '/' || p_bet_id;
    v_stands boolean;
    v_is_idle boolean;
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
    PERFORM ledger.begin_command(
        'settlement', v_key, sha256(convert_to(concat_ws('/', v_key, p_kind, p_return_minor), 'UTF8')));

    IF p_kind = 4 THEN
        PERFORM bets.take_back(p_bet_id, v_key, p_now_us);
        PERFORM bets.record_event(p_bet_id, 5::smallint, -v_bet.return_minor, 1::smallint, 0, p_result_key, p_now_us);
    ELSIF v_stands AND NOT v_bet.is_cancelled THEN
        PERFORM bets.take_back(p_bet_id, v_key, p_now_us);
        PERFORM bets.record_event(p_bet_id, 3::smallint, -v_bet.return_minor, 1::smallint, 0, p_result_key, p_now_us);
    END IF;

    UPDATE bets.bet SET
        is_cancelled = CASE p_kind WHEN 3 THEN true WHEN 4 THEN false ELSE is_cancelled END,
        result_return_minor = CASE p_kind WHEN 1 THEN p_return_minor WHEN 2 THEN NULL ELSE result_return_minor END,
        result_status = CASE p_kind WHEN 1 THEN p_result_status WHEN 2 THEN NULL ELSE result_status END
    WHERE bet_id = p_bet_id RETURNING * INTO v_bet;

    IF p_kind = 3 THEN
        PERFORM bets.credit(p_bet_id, 'refund', v_bet.stake_minor, v_key, p_now_us);
        PERFORM bets.record_event(
            p_bet_id, 4::smallint, v_bet.stake_minor, 3::smallint, v_bet.stake_minor, p_result_key, p_now_us);
    ELSIF v_bet.result_status IS NOT NULL AND NOT v_bet.is_cancelled THEN
        PERFORM bets.credit(p_bet_id, 'payout', v_bet.result_return_minor, v_key, p_now_us);
        PERFORM bets.record_event(
            p_bet_id, 2::smallint, v_bet.result_return_minor, v_bet.result_status, v_bet.result_return_minor,
            p_result_key, p_now_us);
    END IF;
    PERFORM ledger.answer_command('settlement', v_key, jsonb_build_object('bet_id', p_bet_id));
    RETURN true;
END
$$;
