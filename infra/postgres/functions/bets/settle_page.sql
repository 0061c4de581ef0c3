-- Apply a result to a page of bets whose rows the caller has locked, and remember how far it came.
CREATE OR REPLACE FUNCTION bets.settle_page(
    p_result_key text, p_kind smallint, p_bet_ids uuid[], p_returns_minor bigint[], p_result_statuses smallint[],
    p_last_bet_id uuid, p_is_complete boolean
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_locked ledger.locked;
    v_fresh boolean[];
    v_applied bigint;
BEGIN
    v_locked := ledger.lock_accounts(ARRAY(
        SELECT own.account_id FROM bets.bet b JOIN ledger.account own ON own.owner_id = b.player_id
        WHERE b.bet_id = ANY (p_bet_ids) AND own.kind IN ('cash', 'receivable')
    ), true);
    -- One bet that has to be looked at alone takes the others of its account with it: they are done in order.
    SELECT array_agg(page.is_fresh ORDER BY page.place) INTO v_fresh FROM (
        SELECT p.place, bool_and(coalesce(
            p_kind IN (1, 3) AND b.result_status IS NULL AND NOT b.is_cancelled AND owed.posted_minor = 0, false
        )) OVER (PARTITION BY b.account_id) AS is_fresh
        FROM unnest(p_bet_ids) WITH ORDINALITY AS p (bet_id, place) LEFT JOIN bets.bet b USING (bet_id)
        LEFT JOIN ledger.account owed
            ON owed.owner_id = b.player_id AND owed.kind = 'receivable' AND owed.currency = b.currency
    ) AS page;
    PERFORM bets.apply_to_fresh(
        p_kind, array_agg(p.bet_id), array_agg(p.return_minor), array_agg(p.result_status), p_result_key, v_locked
    ) FROM unnest(p_bet_ids, p_returns_minor, p_result_statuses, v_fresh)
        AS p (bet_id, return_minor, result_status, is_fresh)
    WHERE p.is_fresh HAVING count(*) > 0;
    SELECT count(*) FILTER (
        WHERE p.is_fresh
            OR bets.apply_result(p.bet_id, p_kind, p.return_minor, p.result_status, p_result_key, v_locked.now_us)
    ) INTO v_applied
    FROM unnest(p_bet_ids, p_returns_minor, p_result_statuses, v_fresh)
        AS p (bet_id, return_minor, result_status, is_fresh);
    -- What a result could not do to a bet before, this one of its kind has overtaken.
    UPDATE bets.unsettled u SET state = 'superseded'
    WHERE u.bet_id = ANY (p_bet_ids) AND u.state = 'held' AND (u.kind <= 2) = (p_kind <= 2);
    UPDATE bets.settlement SET last_bet_id = coalesce(p_last_bet_id, last_bet_id),
        applied_count = applied_count + v_applied, is_complete = p_is_complete,
        completed_time_us = CASE WHEN p_is_complete THEN v_locked.now_us END
    WHERE result_key = p_result_key;
    RETURN v_applied;
END
$$;
