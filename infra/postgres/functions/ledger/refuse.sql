-- The guard of a command that is refused whatever the ledger finds.
CREATE OR REPLACE FUNCTION ledger.refuse(p_command integer, p_refusal jsonb, p_is_kept boolean) RETURNS ledger.guard
LANGUAGE sql IMMUTABLE AS $$
    SELECT ROW(p_command, 'refused', NULL, NULL, NULL, NULL, NULL, NULL, NULL, p_is_kept, p_refusal)::ledger.guard
$$;
