-- End the holds on these accounts whose time is over. The caller has locked the accounts, and read the clock after.
CREATE OR REPLACE FUNCTION ledger.expire_holds(p_account_ids bigint[], p_now_us bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint;
BEGIN
    WITH ended AS (
        UPDATE ledger.hold SET state = 'expired', ended_time_us = p_now_us
        WHERE account_id = ANY (p_account_ids) AND state = 'pending' AND expires_time_us < p_now_us
        RETURNING account_id, amount_minor
    ), freed AS (
        UPDATE ledger.account a SET held_minor = a.held_minor - s.amount_minor
        FROM (SELECT account_id, sum(amount_minor)::bigint AS amount_minor FROM ended GROUP BY 1) AS s
        WHERE a.account_id = s.account_id
    )
    SELECT count(*) INTO v_count FROM ended;
    RETURN v_count;
END
$$;
