-- Keep a player from staking and paying in until a time, once for each key: for so many hours, or for so many months at
-- least and until they come back, which ends every session of theirs too. It holds from this commit on, for bets under
-- way as well: whoever decides about one does so under the lock of the account.
CREATE OR REPLACE FUNCTION pam.step_back(
    p_key text, p_fingerprint bytea, p_player_id uuid, p_hours integer, p_months integer
) RETURNS TABLE (is_same boolean, answer text) LANGUAGE plpgsql AS $$
DECLARE
    v_locked ledger.locked;
    v_player pam.player;
    v_until_us bigint;
    v_posted record;
BEGIN
    SELECT * INTO STRICT v_player FROM pam.player p WHERE p.player_id = p_player_id;
    v_locked := ledger.lock_accounts(ARRAY[v_player.cash_account_id], true);
    SELECT * INTO STRICT v_player FROM pam.player p WHERE p.player_id = p_player_id;
    v_until_us := CASE WHEN p_months IS NULL THEN v_locked.now_us + p_hours * 3600000000
        ELSE pam.months_from(v_locked.now_us, p_months) END;
    v_posted := ledger.post(
        v_locked, ARRAY[ROW(
            'protection', p_key, p_fingerprint, v_player.cash_account_id,
            jsonb_build_object('player', p_player_id, 'event', v_player.event_count + 1), false, NULL, NULL
        )::ledger.asked], '{}', '{}'
    );
    IF v_posted.are_accepted[1] THEN
        IF p_months IS NULL THEN
            UPDATE pam.player p SET timed_out_until_us = greatest(p.timed_out_until_us, v_until_us)
            WHERE p.player_id = p_player_id;
        ELSE
            UPDATE pam.player p SET excluded_until_us = greatest(p.excluded_until_us, v_until_us),
                session_epoch = p.session_epoch + 1
            WHERE p.player_id = p_player_id;
        END IF;
        PERFORM pam.record_event(
            p_player_id, CASE WHEN p_months IS NULL THEN 1 ELSE 2 END::smallint, v_until_us, NULL, NULL, NULL,
            v_locked.now_us);
    END IF;
    RETURN QUERY SELECT v_posted.are_same[1], v_posted.answers[1]::text;
END
$$;
