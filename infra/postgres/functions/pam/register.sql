-- Make a player with a cash account, and the account that keeps what they owe, once for each key. That a name is taken
-- is not stored: it stays so, and anybody may ask without end.
CREATE OR REPLACE FUNCTION pam.register(
    p_key text, p_fingerprint bytea, p_player_id uuid, p_username text, p_password_hash text, p_role smallint,
    p_currency text
) RETURNS TABLE (is_same boolean, answer text) LANGUAGE plpgsql AS $$
DECLARE
    v_account_id bigint;
    v_now_us bigint := ledger.now_us();
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('pam.username:' || p_username, 0));
    IF EXISTS (SELECT FROM pam.player p WHERE p.username = p_username)
        AND NOT EXISTS (SELECT FROM ledger.command c WHERE c.provider = 'pam' AND c.key = p_key)
    THEN
        RETURN QUERY SELECT true, jsonb_build_object('refusal', 'USERNAME_TAKEN')::text;
        RETURN;
    END IF;
    IF ledger.begin_command('pam', p_key, p_fingerprint) THEN
        PERFORM ledger.house_account(kind, p_currency) FROM unnest(ARRAY['stakes', 'payouts', 'test_money']) AS kind;
        INSERT INTO ledger.account (owner_id, kind, currency, guarded)
        VALUES (p_player_id, 'cash', p_currency, true) RETURNING account_id INTO v_account_id;
        INSERT INTO ledger.account (owner_id, kind, currency, guarded)
        VALUES (p_player_id, 'receivable', p_currency, false);
        INSERT INTO pam.player (
            player_id, username, password_hash, role, currency, cash_account_id, registered_time_us
        ) VALUES (p_player_id, p_username, p_password_hash, p_role, p_currency, v_account_id, v_now_us);
        INSERT INTO ledger.outbox (kind, subject_id, time_us) VALUES (4, p_player_id, v_now_us);
        PERFORM ledger.answer_command('pam', p_key, jsonb_build_object('player_id', p_player_id));
    END IF;
    RETURN QUERY SELECT c.fingerprint = p_fingerprint, c.answer::text FROM ledger.command c
        WHERE c.provider = 'pam' AND c.key = p_key;
END
$$;
