-- Store a deposit and its first attempt, once for each key, before the provider is asked; nothing for a player who may
-- not pay in, and no more than by the limits that they set. A refusal is not stored: nothing was decided. The player's
-- account is locked, so that of two at once the second sees the first.
CREATE OR REPLACE FUNCTION payments.begin_deposit(
    p_key text, p_fingerprint bytea, p_deposit_id uuid, p_reference uuid, p_player_id uuid, p_account_id bigint,
    p_request_id uuid, p_method text, p_instrument text, p_amount_minor bigint, p_currency text, p_provider text,
    p_decision jsonb, p_ask_after_us bigint
) RETURNS TABLE (is_same boolean, answer text) LANGUAGE plpgsql AS $$
DECLARE
    v_locked ledger.locked := ledger.lock_accounts(ARRAY[p_account_id], true);
    v_refusal jsonb;
    v_posted record;
BEGIN
    SELECT CASE
        WHEN asked.refusal IS NOT NULL THEN asked.refusal
        WHEN asked.currency <> p_currency THEN jsonb_build_object(
            'reason', 'CURRENCY_MISMATCH',
            'message', format('Deposit must be in %s, was in %s', asked.currency, p_currency))
    END INTO STRICT v_refusal FROM (
        SELECT a.currency, pam.refusal_of(p, v_locked.now_us) AS refusal
        FROM ledger.account a JOIN pam.player p ON p.player_id = a.owner_id
        WHERE a.account_id = p_account_id AND p.player_id = p_player_id
    ) AS asked;
    v_posted := ledger.post(
        v_locked, ARRAY[ROW(
            'payments', p_key, p_fingerprint, p_account_id,
            jsonb_build_object('deposit_id', p_deposit_id, 'attempt', p_reference), false, NULL, NULL
        )::ledger.asked], '{}',
        CASE WHEN v_refusal IS NULL
            THEN pam.deposit_guards(1, p_player_id, p_account_id, p_amount_minor, v_locked.now_us) ELSE ARRAY[ledger.refuse(1, v_refusal, false)] END
    );
    IF v_posted.are_accepted[1] THEN
        INSERT INTO payments.deposit (
            deposit_id, player_id, account_id, request_id, method, instrument, amount_minor, currency, asked_time_us
        ) VALUES (
            p_deposit_id, p_player_id, p_account_id, p_request_id, p_method, p_instrument, p_amount_minor, p_currency,
            v_locked.now_us
        );
        INSERT INTO payments.attempt (
            reference, deposit_id, number, provider, decision, state, event_count, begun_time_us, ask_time_us
        ) VALUES (
            p_reference, p_deposit_id, 0, p_provider, p_decision, 'submitted', 1, v_locked.now_us,
            v_locked.now_us + p_ask_after_us
        );
        PERFORM payments.record_event(p_reference, 0, 'submitted', '', '', v_locked.now_us);
    END IF;
    RETURN QUERY SELECT v_posted.are_same[1], v_posted.answers[1]::text;
END
$$;
