-- Open an account of a player; one that is guarded never falls below zero.
CREATE OR REPLACE FUNCTION ledger.open_account(p_owner_id uuid, p_kind text, p_currency text, p_guarded boolean)
RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO ledger.account (owner_id, kind, currency, guarded)
    VALUES (p_owner_id, p_kind, p_currency, p_guarded) RETURNING account_id
$$;
