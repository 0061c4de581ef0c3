-- End so many of the holds whose time is over and say how many ended; whatever holds an account now ends its own.
CREATE OR REPLACE FUNCTION ledger.sweep_holds(p_holds_max integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_now_us bigint := ledger.now_us();
    v_accounts bigint[];
BEGIN
    SELECT array_agg(locked.account_id) INTO v_accounts FROM (
        SELECT a.account_id FROM ledger.account a
        WHERE a.account_id IN (
            SELECT h.account_id FROM ledger.hold h WHERE h.state = 'pending' AND h.expires_time_us < v_now_us
            ORDER BY h.expires_time_us LIMIT p_holds_max
        )
        ORDER BY a.account_id FOR UPDATE SKIP LOCKED
    ) AS locked;
    RETURN ledger.expire_holds(v_accounts, v_now_us);
END
$$;
