-- The house's account of that kind, with the party where it has one for each; opened when it is first wanted.
CREATE OR REPLACE FUNCTION ledger.house_account(p_kind text, p_currency text, p_party text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_account_id bigint;
BEGIN
    SELECT account_id INTO v_account_id FROM ledger.account
    WHERE owner_id IS NULL AND kind = p_kind AND currency = p_currency AND coalesce(party, '') = coalesce(p_party, '');
    IF NOT FOUND THEN
        INSERT INTO ledger.account (kind, currency, party, guarded) VALUES (p_kind, p_currency, p_party, false)
        ON CONFLICT DO NOTHING;
        SELECT account_id INTO STRICT v_account_id FROM ledger.account
        WHERE owner_id IS NULL AND kind = p_kind AND currency = p_currency
            AND coalesce(party, '') = coalesce(p_party, '');
    END IF;
    RETURN v_account_id;
END
$$;
