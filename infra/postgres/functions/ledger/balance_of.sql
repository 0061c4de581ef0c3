-- The balance as it goes into an answer.
CREATE OR REPLACE FUNCTION ledger.balance_of(p_account_id bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
        'available_minor', posted_minor - held_minor, 'held_minor', held_minor, 'currency', currency,
        'account_version', version
    ) FROM ledger.account WHERE account_id = p_account_id
$$;
