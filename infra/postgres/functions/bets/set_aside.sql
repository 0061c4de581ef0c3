-- Leave a bet out of its page, and go on behind it.
CREATE OR REPLACE FUNCTION bets.set_aside(
    p_result_key text, p_kind smallint, p_bet_id uuid, p_return_minor bigint, p_reason text, p_detail text
) RETURNS void LANGUAGE sql AS $$
    SELECT bets.supersede(p_result_key, ARRAY[p_bet_id]);
    INSERT INTO bets.unsettled (bet_id, result_key, kind, return_minor, reason, detail)
    VALUES (p_bet_id, p_result_key, p_kind, p_return_minor, p_reason, p_detail);
    UPDATE bets.settlement SET last_bet_id = p_bet_id WHERE result_key = p_result_key
$$;
