-- Lock accounts in ascending id, those that others have locked too where p_waits, and end the holds on them whose time
-- is over. Returns those locked, the clock as it stands after, and whether anything was held on them.
CREATE OR REPLACE FUNCTION ledger.lock_accounts(
    p_account_ids bigint[], p_waits boolean, OUT account_ids bigint[], OUT has_holds boolean, OUT now_us bigint
) LANGUAGE plpgsql AS $$
BEGIN
    IF p_waits THEN
        SELECT coalesce(array_agg(a.account_id), '{}'), coalesce(bool_or(a.held_minor > 0), false)
        INTO account_ids, has_holds FROM (
            SELECT a.account_id, a.held_minor FROM ledger.account a WHERE a.account_id = ANY (p_account_ids)
            ORDER BY a.account_id FOR UPDATE
        ) AS a;
    ELSE
        SELECT coalesce(array_agg(a.account_id), '{}'), coalesce(bool_or(a.held_minor > 0), false)
        INTO account_ids, has_holds FROM (
            SELECT a.account_id, a.held_minor FROM ledger.account a WHERE a.account_id = ANY (p_account_ids)
            ORDER BY a.account_id FOR UPDATE SKIP LOCKED
        ) AS a;
    END IF;
    now_us := ledger.now_us();
    IF has_holds THEN
        PERFORM ledger.expire_holds(account_ids, now_us);
    END IF;
END
$$;
