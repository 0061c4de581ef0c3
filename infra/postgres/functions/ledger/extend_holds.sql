-- Let pending holds of these commands last until a later time. The caller has locked their accounts.
CREATE OR REPLACE FUNCTION ledger.extend_holds(
    p_provider text, p_keys text[], p_fingerprints bytea[], p_until_us bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger.hold h SET expires_time_us = e.until_us
    FROM unnest(p_keys, p_fingerprints, p_until_us) AS e (key, fingerprint, until_us)
    WHERE h.provider = p_provider AND h.key = e.key AND h.state = 'pending' AND h.fingerprint = e.fingerprint
        AND h.expires_time_us < e.until_us;
END
$$;
