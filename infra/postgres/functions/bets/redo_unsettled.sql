-- Note that a bet that was left out was brought to where its results leave it; how many of them that were.
CREATE OR REPLACE FUNCTION bets.redo_unsettled(p_bet_id uuid, p_reason text, p_decided_by text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint;
BEGIN
    UPDATE bets.unsettled u SET state = 'applied' WHERE u.bet_id = p_bet_id AND u.state = 'held';
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count > 0 THEN
        PERFORM bets.record_bet_decision(p_bet_id, 'redo', p_reason, p_decided_by);
    END IF;
    RETURN v_count;
END
$$;
