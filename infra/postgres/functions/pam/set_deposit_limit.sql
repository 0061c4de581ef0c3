-- Bound what a player pays in over a window, null for no bound, once for each key. A lower bound, and the first one, holds
-- at once; a higher one may hold once p_waits_us are over, and where it needs confirmation once it is confirmed then. What
-- was asked for last counts: it ends a raise that waits.
CREATE OR REPLACE FUNCTION pam.set_deposit_limit(
    p_key text, p_fingerprint bytea, p_player_id uuid, p_limit_window text, p_amount_minor bigint, p_waits_us bigint,
    p_needs_confirmation boolean
) RETURNS TABLE (is_same boolean, answer text) LANGUAGE plpgsql AS $$
DECLARE
    v_locked ledger.locked;
    v_player pam.player;
    v_bound_minor bigint;
    v_is_raise boolean;
    v_posted record;
BEGIN
    SELECT * INTO STRICT v_player FROM pam.player p WHERE p.player_id = p_player_id;
    v_locked := ledger.lock_accounts(ARRAY[v_player.cash_account_id], true);
    SELECT * INTO STRICT v_player FROM pam.player p WHERE p.player_id = p_player_id;
    SELECT l.amount_minor INTO v_bound_minor
    FROM pam.deposit_limits(p_player_id, v_player.cash_account_id, v_locked.now_us) AS l
    WHERE l.limit_window = p_limit_window;
    v_is_raise := v_bound_minor IS NOT NULL AND coalesce(p_amount_minor > v_bound_minor, true);
    v_posted := ledger.post(
        v_locked, ARRAY[ROW(
            'protection', p_key, p_fingerprint, v_player.cash_account_id,
            jsonb_build_object('player', p_player_id, 'event', v_player.event_count + 1), false, NULL, NULL
        )::ledger.asked], '{}', '{}'
    );
    IF v_posted.are_accepted[1] THEN
        INSERT INTO pam.deposit_limit AS l (
            player_id, limit_window, amount_minor, raise_minor, raise_from_us, raise_needs_confirmation
        )
        SELECT p_player_id, p_limit_window, CASE WHEN v_is_raise THEN v_bound_minor ELSE p_amount_minor END,
            CASE WHEN v_is_raise THEN p_amount_minor END, CASE WHEN v_is_raise THEN v_locked.now_us + p_waits_us END,
            CASE WHEN v_is_raise THEN p_needs_confirmation END
        ON CONFLICT (player_id, limit_window) DO UPDATE SET amount_minor = excluded.amount_minor,
            raise_minor = excluded.raise_minor, raise_from_us = excluded.raise_from_us,
            raise_needs_confirmation = excluded.raise_needs_confirmation;
        PERFORM pam.record_event(
            p_player_id, CASE WHEN v_is_raise THEN 4 ELSE 3 END::smallint,
            CASE WHEN v_is_raise THEN v_locked.now_us + p_waits_us END, p_limit_window, p_amount_minor,
            CASE WHEN v_is_raise THEN p_needs_confirmation END, v_locked.now_us);
    END IF;
    RETURN QUERY SELECT v_posted.are_same[1], v_posted.answers[1]::text;
END
$$;
