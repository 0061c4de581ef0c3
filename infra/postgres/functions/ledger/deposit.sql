-- Pay into a player's account from a house account, once for each key. What a tombstone names never moves, and nothing
-- for a player who is blocked or no bettor. A refusal is not stored: nothing was decided, and there is no end of them.
CREATE OR REPLACE FUNCTION ledger.deposit(
    p_provider text, p_key text, p_fingerprint bytea, p_kind text, p_house_kind text, p_account_id bigint,
    p_amount_minor bigint, p_currency text
) RETURNS TABLE (is_same boolean, answer text) LANGUAGE plpgsql AS $$
DECLARE
    v_account record;
    v_refusal jsonb;
BEGIN
    SELECT a.currency, pam.refusal_of(p.role, p.status) AS player_refusal INTO STRICT v_account
    FROM ledger.account a JOIN pam.player p ON p.player_id = a.owner_id
    WHERE a.account_id = p_account_id FOR UPDATE OF a;
    IF NOT EXISTS (SELECT FROM ledger.command c WHERE c.provider = p_provider AND c.key = p_key) THEN
        v_refusal := CASE
            WHEN v_account.player_refusal IS NOT NULL THEN jsonb_build_object('refusal', v_account.player_refusal)
            WHEN v_account.currency <> p_currency
                THEN jsonb_build_object('refusal', 'CURRENCY_MISMATCH', 'currency', v_account.currency)
            WHEN EXISTS (SELECT FROM ledger.tombstone t WHERE t.provider = p_provider AND t.key = p_key)
                THEN jsonb_build_object('refusal', 'REVERSED_BEFORE')
        END;
        IF v_refusal IS NOT NULL THEN
            RETURN QUERY SELECT true, v_refusal::text;
            RETURN;
        END IF;
        PERFORM ledger.begin_command(p_provider, p_key, p_fingerprint);
        PERFORM ledger.move(
            p_provider, p_key, p_kind, ledger.house_account(p_house_kind, p_currency), p_account_id, p_amount_minor,
            NULL, NULL, ledger.now_us()
        );
        PERFORM ledger.answer_command(
            p_provider, p_key, jsonb_build_object('balance', ledger.balance_of(p_account_id)));
    END IF;
    RETURN QUERY SELECT c.fingerprint = p_fingerprint, c.answer::text FROM ledger.command c
        WHERE c.provider = p_provider AND c.key = p_key;
END
$$;
