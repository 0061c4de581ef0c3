-- Keep what a person decided about a bet that was set aside, and tell of it.
CREATE OR REPLACE FUNCTION bets.record_bet_decision(p_bet_id uuid, p_decision text, p_reason text, p_decided_by text)
RETURNS void LANGUAGE sql AS $$
    WITH decided AS (
        INSERT INTO bets.result_decision (bet_id, decision, reason, decided_by)
        VALUES (p_bet_id, p_decision, p_reason, p_decided_by) RETURNING decision_id, time_us
    )
    INSERT INTO ledger.outbox (event, subject, sequence, time_us)
    SELECT 'bet_decided', p_bet_id, decision_id, time_us FROM decided;
$$;
