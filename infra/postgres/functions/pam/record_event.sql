-- Write down what happened to a player, whose cash account the caller has locked, and tell it: to those who follow what
-- happens, and to those who follow how players stand. Returns its number among the player's.
CREATE OR REPLACE FUNCTION pam.record_event(
    p_player_id uuid, p_kind smallint, p_until_us bigint, p_limit_window text, p_amount_minor bigint,
    p_needs_confirmation boolean, p_now_us bigint
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_sequence integer;
BEGIN
    UPDATE pam.player SET event_count = event_count + 1 WHERE player_id = p_player_id
    RETURNING event_count INTO STRICT v_sequence;
    INSERT INTO pam.event (
        player_id, sequence, kind, until_us, limit_window, amount_minor, needs_confirmation, time_us
    ) VALUES (
        p_player_id, v_sequence, p_kind, p_until_us, p_limit_window, p_amount_minor, p_needs_confirmation, p_now_us
    );
    -- That they registered is told by pam.register.
    IF p_kind <> 6 THEN
        INSERT INTO ledger.outbox (event, subject, sequence, time_us)
        VALUES ('player_event', p_player_id, v_sequence, p_now_us);
    END IF;
    INSERT INTO ledger.outbox (event, subject, sequence, time_us)
    VALUES ('player_stands', p_player_id, v_sequence, p_now_us);
    RETURN v_sequence;
END
$$;
