-- Store the answer of a command that has begun.
CREATE OR REPLACE FUNCTION ledger.answer_command(p_provider text, p_key text, p_answer jsonb) RETURNS void LANGUAGE sql AS $$
    UPDATE ledger.command SET answer = p_answer WHERE provider = p_provider AND key = p_key
$$;
