-- Let a raise hold that waits for its player's second word, once for each key. Where none waits, or its time has not come,
-- that is said, and not stored.
CREATE OR REPLACE FUNCTION pam.confirm_deposit_limit(
    p_key text, p_fingerprint bytea, p_player_id uuid, p_limit_window text
) RETURNS TABLE (is_same boolean, answer text) LANGUAGE plpgsql AS $$
DECLARE
    v_locked ledger.locked;
    v_player pam.player;
    v_limit pam.deposit_limit;
    v_guards ledger.guard[] := '{}';
    v_posted record;
BEGIN
    SELECT * INTO STRICT v_player FROM pam.player p WHERE p.player_id = p_player_id;
    v_locked := ledger.lock_accounts(ARRAY[v_player.cash_account_id], true);
    SELECT * INTO STRICT v_player FROM pam.player p WHERE p.player_id = p_player_id;
    SELECT * INTO v_limit FROM pam.deposit_limit l
    WHERE l.player_id = p_player_id AND l.limit_window = p_limit_window;
    IF v_limit.raise_needs_confirmation IS NOT TRUE THEN
        v_guards := ARRAY[ledger.refuse(1, jsonb_build_object(
            'reason', 'LIMIT_RAISE_UNKNOWN', 'message', 'A raise must wait to be confirmed, none does'), false)];
    ELSIF v_limit.raise_from_us > v_locked.now_us THEN
        v_guards := ARRAY[ledger.refuse(1, jsonb_build_object(
            'reason', 'LIMIT_RAISE_WAITS', 'from_us', v_limit.raise_from_us,
            'message', 'A raise must be confirmed from ' || pam.time_words(v_limit.raise_from_us) || ' on, was before'
        ), false)];
    END IF;
    v_posted := ledger.post(
        v_locked, ARRAY[ROW(
            'protection', p_key, p_fingerprint, v_player.cash_account_id,
            jsonb_build_object('player', p_player_id, 'event', v_player.event_count + 1), false, NULL, NULL
        )::ledger.asked], '{}', v_guards
    );
    IF v_posted.are_accepted[1] THEN
        UPDATE pam.deposit_limit l SET amount_minor = l.raise_minor, raise_minor = NULL, raise_from_us = NULL,
            raise_needs_confirmation = NULL
        WHERE l.player_id = p_player_id AND l.limit_window = p_limit_window;
        PERFORM pam.record_event(
            p_player_id, 3::smallint, NULL, p_limit_window, v_limit.raise_minor, NULL, v_locked.now_us);
    END IF;
    RETURN QUERY SELECT v_posted.are_same[1], v_posted.answers[1]::text;
END
$$;
