-- Let a result have its say on legs of bets whose rows are locked, and bring those bets that it changes to where it
-- leaves them: which that is, whoever calls has found out.
CREATE OR REPLACE FUNCTION bets.apply_to_legs(
    p_result_key text, p_kind smallint, p_leg_bet_ids uuid[], p_legs smallint[], p_bet_ids uuid[],
    p_statuses smallint[], p_returns_minor bigint[], p_are_refunds boolean[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_locked ledger.locked;
    v_fresh boolean[];
BEGIN
    v_locked := ledger.lock_accounts(ARRAY(
        SELECT own.account_id FROM bets.bet b JOIN ledger.account own ON own.owner_id = b.player_id
        WHERE b.bet_id = ANY (p_bet_ids) AND own.kind IN ('cash', 'receivable')
    ), true);
    INSERT INTO bets.leg_result (bet_id, leg, sequence, kind, result_key)
    SELECT t.bet_id, t.leg, (
        SELECT count(*) FROM bets.leg_result before WHERE (before.bet_id, before.leg) = (t.bet_id, t.leg)
    ), p_kind, p_result_key
    FROM unnest(p_leg_bet_ids, p_legs) AS t (bet_id, leg);
    -- One bet that has to be looked at alone takes the others of its account with it: they are done in order.
    SELECT array_agg(page.is_fresh ORDER BY page.place) INTO v_fresh FROM (
        SELECT p.place, bool_and(coalesce(b.status = 1 AND p.status <> 1 AND owed.posted_minor = 0, false))
            OVER (PARTITION BY b.account_id) AS is_fresh
        FROM unnest(p_bet_ids, p_statuses) WITH ORDINALITY AS p (bet_id, status, place)
        LEFT JOIN bets.bet b USING (bet_id)
        LEFT JOIN ledger.account owed
            ON owed.owner_id = b.player_id AND owed.kind = 'receivable' AND owed.currency = b.currency
    ) AS page;
    PERFORM bets.apply_to_fresh(
        array_agg(p.bet_id), array_agg(p.status), array_agg(p.return_minor), array_agg(p.is_refund), p_result_key,
        v_locked
    ) FROM unnest(p_bet_ids, p_statuses, p_returns_minor, p_are_refunds, v_fresh)
        AS p (bet_id, status, return_minor, is_refund, is_fresh)
    WHERE p.is_fresh HAVING count(*) > 0;
    PERFORM bets.apply_result(p.bet_id, p.status, p.return_minor, p.is_refund, p_result_key, v_locked.now_us)
    FROM unnest(p_bet_ids, p_statuses, p_returns_minor, p_are_refunds, v_fresh)
        AS p (bet_id, status, return_minor, is_refund, is_fresh)
    WHERE NOT p.is_fresh;
END
$$;
