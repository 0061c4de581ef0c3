-- End pending holds, on accounts that the caller has locked: posted by so much, or voided where that is zero. What is
-- posted has to be debited after, in the same transaction.
CREATE OR REPLACE FUNCTION ledger.end_holds(p_hold_ids uuid[], p_posted_minor bigint[], p_now_us bigint) RETURNS void
LANGUAGE sql AS $$
    WITH ended AS (
        UPDATE ledger.hold h SET state = CASE WHEN e.posted_minor > 0 THEN 'posted' ELSE 'voided' END,
            posted_minor = e.posted_minor, ended_time_us = p_now_us
        FROM unnest(p_hold_ids, p_posted_minor) AS e (hold_id, posted_minor)
        WHERE h.hold_id = e.hold_id
        RETURNING h.account_id, h.amount_minor
    )
    UPDATE ledger.account a SET held_minor = a.held_minor - s.amount_minor
    FROM (SELECT account_id, sum(amount_minor)::bigint AS amount_minor FROM ended GROUP BY 1) AS s
    WHERE a.account_id = s.account_id
$$;
