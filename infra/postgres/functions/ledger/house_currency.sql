-- In what currency an account of the house is kept.
CREATE OR REPLACE FUNCTION ledger.house_currency(p_account_id bigint) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_currency text;
BEGIN
    SELECT a.currency INTO v_currency FROM ledger.account a WHERE a.account_id = p_account_id AND a.owner_id IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Account % must be locked, or the house''s, is neither', p_account_id
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN v_currency;
END
$$;
