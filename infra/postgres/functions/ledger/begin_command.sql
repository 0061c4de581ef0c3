-- Insert a command; true where it is new, so that the caller must act and store the answer.
CREATE OR REPLACE FUNCTION ledger.begin_command(p_provider text, p_key text, p_fingerprint bytea) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger.command (provider, key, fingerprint) VALUES (p_provider, p_key, p_fingerprint)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
