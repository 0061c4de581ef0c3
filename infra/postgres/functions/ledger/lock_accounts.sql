-- Lock accounts of players in ascending id, those that others have locked too where p_waits, and end the holds on them
-- whose time is over. Returns those locked with what they have, and the clock as it stands after.
CREATE OR REPLACE FUNCTION ledger.lock_accounts(p_account_ids bigint[], p_waits boolean) RETURNS ledger.locked
LANGUAGE plpgsql AS $$
DECLARE
    v_locked ledger.locked;
BEGIN
    IF p_waits THEN
        SELECT coalesce(array_agg(a.account_id), '{}'), array_agg(a.posted_minor), array_agg(a.held_minor),
            array_agg(a.version), array_agg(a.currency), coalesce(bool_or(a.held_minor > 0), false), ledger.now_us()
        INTO v_locked FROM (
            SELECT * FROM ledger.account a WHERE a.account_id = ANY (p_account_ids) AND a.owner_id IS NOT NULL
            ORDER BY a.account_id FOR UPDATE
        ) AS a;
    ELSE
        SELECT coalesce(array_agg(a.account_id), '{}'), array_agg(a.posted_minor), array_agg(a.held_minor),
            array_agg(a.version), array_agg(a.currency), coalesce(bool_or(a.held_minor > 0), false), ledger.now_us()
        INTO v_locked FROM (
            SELECT * FROM ledger.account a WHERE a.account_id = ANY (p_account_ids) AND a.owner_id IS NOT NULL
            ORDER BY a.account_id FOR UPDATE SKIP LOCKED
        ) AS a;
    END IF;
    IF v_locked.has_holds THEN
        PERFORM ledger.expire_holds(v_locked.account_ids, v_locked.now_us);
        SELECT array_agg(a.held_minor ORDER BY a.account_id) INTO v_locked.held_minor
        FROM ledger.account a WHERE a.account_id = ANY (v_locked.account_ids);
    END IF;
    RETURN v_locked;
END
$$;
