-- Write down what happened to a bet, and tell of it.
CREATE OR REPLACE FUNCTION bets.record_event(
    p_bet_id uuid, p_kind smallint, p_amount_minor bigint, p_status smallint, p_return_minor bigint, p_result_key text,
    p_now_us bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_sequence integer;
BEGIN
    UPDATE bets.bet SET event_count = event_count + 1, status = p_status, return_minor = p_return_minor,
        settled_time_us = CASE WHEN p_status = 1 THEN NULL ELSE p_now_us END
    WHERE bet_id = p_bet_id RETURNING event_count - 1 INTO STRICT v_sequence;
    INSERT INTO bets.event (bet_id, sequence, kind, time_us, amount_minor, status, return_minor, result_key)
    VALUES (p_bet_id, v_sequence, p_kind, p_now_us, p_amount_minor, p_status, p_return_minor, p_result_key);
    INSERT INTO ledger.outbox (event, subject, sequence, time_us)
    SELECT 'bet_changed', p_bet_id, v_sequence, p_now_us
    UNION ALL
    SELECT 'leg_changed', p_bet_id, v_sequence * count(*) OVER () + leg, p_now_us FROM bets.leg WHERE bet_id = p_bet_id;
END
$$;
