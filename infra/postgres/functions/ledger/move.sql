-- Move money between two accounts that the caller has locked in ascending id; a guarded one that would fall below zero
-- violates its constraint. The outbox tells of it.
CREATE OR REPLACE FUNCTION ledger.move(
    p_provider text, p_key text, p_kind text, p_debit_account_id bigint, p_credit_account_id bigint,
    p_amount_minor bigint, p_reverses_row_id bigint, p_subject_id uuid, p_now_us bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_debit_version bigint;
    v_credit_version bigint;
    v_currency text;
    v_row_id bigint;
BEGIN
    SELECT debited.currency INTO v_currency FROM ledger.account debited JOIN ledger.account credited USING (currency)
    WHERE debited.account_id = p_debit_account_id AND credited.account_id = p_credit_account_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Accounts % and % must exist and share a currency', p_debit_account_id, p_credit_account_id
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    UPDATE ledger.account SET posted_minor = posted_minor - p_amount_minor, version = version + 1
    WHERE account_id = p_debit_account_id AND owner_id IS NOT NULL RETURNING version INTO v_debit_version;
    UPDATE ledger.account SET posted_minor = posted_minor + p_amount_minor, version = version + 1
    WHERE account_id = p_credit_account_id AND owner_id IS NOT NULL RETURNING version INTO v_credit_version;
    INSERT INTO ledger.transfer (
        provider, key, leg, kind, debit_account_id, credit_account_id, amount_minor, currency, debit_version,
        credit_version, reverses_row_id, subject_id, time_us
    )
    SELECT p_provider, p_key, coalesce(max(leg) + 1, 0), p_kind, p_debit_account_id, p_credit_account_id,
        p_amount_minor, v_currency, v_debit_version, v_credit_version, p_reverses_row_id, p_subject_id, p_now_us
    FROM ledger.transfer WHERE provider = p_provider AND key = p_key
    RETURNING row_id INTO v_row_id;
    INSERT INTO ledger.outbox (kind, transfer_row_id, time_us) VALUES (3, v_row_id, p_now_us);
    RETURN v_row_id;
END
$$;
