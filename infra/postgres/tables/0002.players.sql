-- depends: 0001.ledger

CREATE SCHEMA pam;

-- role: 1 bettor, 2 trader. status: 1 active, 2 blocked.
CREATE TABLE pam.player (
    player_id uuid PRIMARY KEY,
    username text NOT NULL CHECK (username ~ '^[a-z0-9_.-]{3,32}$'),
    password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    role smallint NOT NULL CHECK (role IN (1, 2)),
    status smallint NOT NULL DEFAULT 1 CHECK (status IN (1, 2)),
    currency text NOT NULL,
    cash_account_id bigint NOT NULL UNIQUE REFERENCES ledger.account (account_id),
    registered_time_us bigint NOT NULL,
    CONSTRAINT player_username_once UNIQUE (username)
);

-- Make a player with a cash account, and the account that keeps what they owe, once for each key.
CREATE FUNCTION pam.register(
    p_key text, p_fingerprint bytea, p_player_id uuid, p_username text, p_password_hash text, p_role smallint,
    p_currency text
) RETURNS TABLE (is_same boolean, answer text) LANGUAGE plpgsql AS $$
DECLARE
    v_account_id bigint;
    v_answer jsonb;
    v_now_us bigint := ledger.now_us();
BEGIN
    IF ledger.begin_command('pam', p_key, p_fingerprint) THEN
        PERFORM ledger.house_account(kind, p_currency) FROM unnest(ARRAY['stakes', 'payouts', 'test_money']) AS kind;
        PERFORM pg_advisory_xact_lock(hashtextextended('pam.username:' || p_username, 0));
        IF EXISTS (SELECT FROM pam.player WHERE username = p_username) THEN
            v_answer := jsonb_build_object('refusal', 'USERNAME_TAKEN');
        ELSE
            INSERT INTO ledger.account (owner_id, kind, currency, guarded)
            VALUES (p_player_id, 'cash', p_currency, true) RETURNING account_id INTO v_account_id;
            INSERT INTO ledger.account (owner_id, kind, currency, guarded)
            VALUES (p_player_id, 'receivable', p_currency, false);
            INSERT INTO pam.player (
                player_id, username, password_hash, role, currency, cash_account_id, registered_time_us
            ) VALUES (p_player_id, p_username, p_password_hash, p_role, p_currency, v_account_id, v_now_us);
            INSERT INTO ledger.outbox (kind, subject_id, time_us) VALUES (4, p_player_id, v_now_us);
            v_answer := jsonb_build_object('player_id', p_player_id);
        END IF;
        PERFORM ledger.answer_command('pam', p_key, v_answer);
    END IF;
    RETURN QUERY SELECT c.fingerprint = p_fingerprint, c.answer::text FROM ledger.command c
        WHERE c.provider = 'pam' AND c.key = p_key;
END
$$;
