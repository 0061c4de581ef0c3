-- Apply a result to a page of bets whose rows the caller has locked, and remember how far it came: its say on their
-- legs, and where it leaves those bets that it changes.
CREATE OR REPLACE FUNCTION bets.settle_page(
    p_result_key text, p_kind smallint, p_leg_bet_ids uuid[], p_legs smallint[], p_bet_ids uuid[],
    p_statuses smallint[], p_returns_minor bigint[], p_are_refunds boolean[], p_last_bet_id uuid, p_is_complete boolean
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bets.apply_to_legs(
        p_result_key, p_kind, p_leg_bet_ids, p_legs, p_bet_ids, p_statuses, p_returns_minor, p_are_refunds);
    PERFORM bets.supersede(p_result_key, p_leg_bet_ids);
    UPDATE bets.settlement SET last_bet_id = coalesce(p_last_bet_id, last_bet_id),
        applied_count = applied_count + cardinality(p_bet_ids), is_complete = p_is_complete,
        completed_time_us = CASE WHEN p_is_complete THEN ledger.now_us() END
    WHERE result_key = p_result_key;
END
$$;
