-- Block a player or lift that, or end every session of theirs, as whoever runs this place wants it; null leaves the status
-- as it is. False where nobody has that name.
CREATE OR REPLACE FUNCTION pam.change_status(p_username text, p_status smallint, p_ends_sessions boolean)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_locked ledger.locked;
    v_player pam.player;
BEGIN
    SELECT * INTO v_player FROM pam.player p WHERE p.username = p_username;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    v_locked := ledger.lock_accounts(ARRAY[v_player.cash_account_id], true);
    UPDATE pam.player p SET status = coalesce(p_status, p.status),
        session_epoch = p.session_epoch + CASE WHEN p_ends_sessions THEN 1 ELSE 0 END
    WHERE p.player_id = v_player.player_id;
    PERFORM pam.record_event(v_player.player_id, 5::smallint, NULL, NULL, NULL, NULL, v_locked.now_us);
    RETURN true;
END
$$;
