-- Make a player with a cash account, the account that keeps what they owe, and what they told of themselves (null for
-- nothing), once for each key. That a name is taken is not stored: it stays so, and anybody may ask without end.
CREATE OR REPLACE FUNCTION pam.register(
    p_key text, p_fingerprint bytea, p_player_id uuid, p_username text, p_password_hash text, p_role smallint,
    p_currency text, p_jurisdiction text, p_person jsonb
) RETURNS TABLE (is_same boolean, answer text) LANGUAGE plpgsql AS $$
DECLARE
    v_locked ledger.locked := ledger.lock_accounts('{}', true);
    v_guards ledger.guard[] := '{}';
    v_posted record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('pam.username:' || p_username, 0));
    IF EXISTS (SELECT FROM pam.player p WHERE p.username = p_username) THEN
        v_guards := ARRAY[ledger.refuse(1, jsonb_build_object(
            'reason', 'USERNAME_TAKEN', 'message', 'Username must be one that nobody has, was taken'), false)];
    END IF;
    v_posted := ledger.post(
        v_locked, ARRAY[ROW(
            'pam', p_key, p_fingerprint, NULL, jsonb_build_object('player_id', p_player_id), false, NULL, NULL
        )::ledger.asked], '{}', v_guards
    );
    IF v_posted.are_accepted[1] THEN
        PERFORM ledger.house_account(kind, p_currency) FROM unnest(ARRAY['stakes', 'payouts', 'test_money']) AS kind;
        INSERT INTO pam.player (
            player_id, username, password_hash, role, currency, cash_account_id, registered_time_us, jurisdiction
        ) VALUES (
            p_player_id, p_username, p_password_hash, p_role, p_currency,
            ledger.open_account(p_player_id, 'cash', p_currency, true), v_locked.now_us, p_jurisdiction
        );
        PERFORM ledger.open_account(p_player_id, 'receivable', p_currency, false);
        IF p_person IS NOT NULL THEN
            INSERT INTO pam.person (
                player_id, country, given_name, family_name, address_line, postcode, birth_date, email, told_time_us
            )
            SELECT p_player_id, told.country, told.given_name, told.family_name, told.address_line, told.postcode,
                told.birth_date, told.email, v_locked.now_us
            FROM jsonb_populate_record(NULL::pam.person, p_person) AS told;
            INSERT INTO pam.consent (player_id, product, channel, time_us, is_given)
            SELECT p_player_id, (given ->> 0)::smallint, (given ->> 1)::smallint, v_locked.now_us, true
            FROM jsonb_array_elements(p_person -> 'consents') AS given;
        END IF;
        INSERT INTO ledger.outbox (event, subject, sequence, time_us)
        VALUES ('player_registered', p_player_id, 0, v_locked.now_us);
        PERFORM pam.record_event(p_player_id, 6::smallint, NULL, NULL, NULL, NULL, v_locked.now_us);
    END IF;
    RETURN QUERY SELECT v_posted.are_same[1], v_posted.answers[1]::text;
END
$$;
