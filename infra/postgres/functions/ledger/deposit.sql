-- Pay into a player's account from a house account, once for each key; nothing for a player who may not stake, and no
-- more than by the limits that they set. A refusal is not stored: nothing was decided, and there is no end of them.
CREATE OR REPLACE FUNCTION ledger.deposit(
    p_provider text, p_key text, p_fingerprint bytea, p_kind text, p_house_kind text, p_account_id bigint,
    p_amount_minor bigint, p_currency text
) RETURNS TABLE (is_same boolean, answer text) LANGUAGE plpgsql AS $$
DECLARE
    v_account record;
    v_refusal jsonb;
    v_locked ledger.locked := ledger.lock_accounts(ARRAY[p_account_id], true);
BEGIN
    SELECT a.currency, a.owner_id, pam.refusal_of(p, v_locked.now_us) AS player_refusal INTO STRICT v_account
    FROM ledger.account a JOIN pam.player p ON p.player_id = a.owner_id WHERE a.account_id = p_account_id;
    v_refusal := CASE
        WHEN v_account.player_refusal IS NOT NULL THEN v_account.player_refusal
        WHEN v_account.currency <> p_currency THEN jsonb_build_object(
            'reason', 'CURRENCY_MISMATCH',
            'message', format('Deposit must be in %s, was in %s', v_account.currency, p_currency))
    END;
    RETURN QUERY SELECT posted.are_same[1], posted.answers[1]::text FROM ledger.post(
        v_locked, ARRAY[ROW(p_provider, p_key, p_fingerprint, p_account_id, '{}', true, NULL, NULL)::ledger.asked],
        ARRAY[ROW(
            1, p_kind, ledger.house_account(p_house_kind, p_currency), p_account_id, p_amount_minor, NULL, NULL
        )::ledger.posting],
        CASE WHEN v_refusal IS NULL
            THEN pam.deposit_guards(1, v_account.owner_id, p_account_id, p_amount_minor, v_locked.now_us)
            ELSE ARRAY[ledger.refuse(1, v_refusal, false)] END
    ) AS posted;
END
$$;
