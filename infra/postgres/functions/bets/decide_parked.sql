-- Say what becomes of a parked result: redo it, which settlement does in its turn, or drop it. Returns what is wrong
-- with that, null for nothing: 'unknown' or 'ended', 'outdated' by a newer result of the same feed that is applied
-- already, which only dropping leaves as it is, or 'begun': it has changed bets and would leave the others open.
CREATE OR REPLACE FUNCTION bets.decide_parked(p_parked_id bigint, p_decision text, p_reason text, p_decided_by text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_parked bets.parked_result;
BEGIN
    SELECT * INTO v_parked FROM bets.parked_result p WHERE p.parked_id = p_parked_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'unknown';
    ELSIF v_parked.state IN ('applied', 'dropped') THEN
        RETURN 'ended';
    ELSIF p_decision = 'redo' AND EXISTS (
        SELECT FROM bets.settlement s
        WHERE s.fixture_id = v_parked.fixture_id AND s.market_id = v_parked.market_id
            AND bets.feed_of(s.provider_id) = bets.feed_of(v_parked.provider_id) AND s.begun_time_us > v_parked.parked_time_us
            AND (s.kind <= 2) = (v_parked.kind <= 2) AND s.result_key <> v_parked.result_key AND NOT s.is_echo
    ) THEN
        RETURN 'outdated';
    ELSIF p_decision = 'drop' AND EXISTS (
        SELECT FROM bets.settlement s WHERE s.result_key = v_parked.result_key AND NOT s.is_complete
    ) THEN
        RETURN 'begun';
    END IF;
    UPDATE bets.parked_result p SET
        state = CASE p_decision WHEN 'redo' THEN 'due' ELSE 'dropped' END,
        is_decided = p_decision = 'redo',
        ended_time_us = CASE p_decision WHEN 'drop' THEN ledger.now_us() END
    WHERE p.parked_id = p_parked_id;
    WITH decided AS (
        INSERT INTO bets.result_decision (parked_id, decision, reason, decided_by)
        VALUES (p_parked_id, p_decision, p_reason, p_decided_by) RETURNING decision_id, time_us
    )
    INSERT INTO ledger.outbox (event, subject, sequence, time_us)
    SELECT 'result_decided', (SELECT ledger_id FROM ledger.epoch LIMIT 1), decision_id, time_us FROM decided;
    RETURN NULL;
END
$$;
