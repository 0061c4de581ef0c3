-- Hold money on accounts that the caller has locked, for commands that will be decided, until a time.
CREATE OR REPLACE FUNCTION ledger.begin_holds(
    p_provider text, p_keys text[], p_fingerprints bytea[], p_account_ids bigint[], p_amounts_minor bigint[],
    p_until_us bigint[], p_now_us bigint
) RETURNS TABLE (hold_id uuid, key text) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger.account a SET held_minor = a.held_minor + s.amount_minor
    FROM (
        SELECT h.account_id, sum(h.amount_minor)::bigint AS amount_minor
        FROM unnest(p_account_ids, p_amounts_minor) AS h (account_id, amount_minor) GROUP BY h.account_id
    ) AS s WHERE a.account_id = s.account_id;
    RETURN QUERY INSERT INTO ledger.hold AS made (
            provider, key, fingerprint, account_id, amount_minor, expires_time_us, begun_time_us
        )
        SELECT p_provider, h.key, h.fingerprint, h.account_id, h.amount_minor, h.until_us, p_now_us
        FROM unnest(p_keys, p_fingerprints, p_account_ids, p_amounts_minor, p_until_us)
            AS h (key, fingerprint, account_id, amount_minor, until_us)
        RETURNING made.hold_id, made.key;
END
$$;
