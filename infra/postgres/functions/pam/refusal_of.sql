-- Why no money is staked or paid in at a player's wish at a time, null where it may: what the rules say whoever asks, by
-- the player as stored. In the order of compliance.permit, so that both give the same reason.
CREATE OR REPLACE FUNCTION pam.refusal_of(p pam.player, p_at_us bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN p.status <> 1 THEN jsonb_build_object(
            'reason', 'PLAYER_BLOCKED', 'message', 'Player must not be blocked, is: ask whoever runs this place')
        WHEN p.excluded_until_us > 0 THEN jsonb_build_object(
            'reason', 'PLAYER_EXCLUDED', 'until_us', p.excluded_until_us,
            'message', 'Player must not have excluded themselves, has until ' || pam.time_words(p.excluded_until_us)
                || ' at least; nobody can end that before')
        WHEN p.timed_out_until_us > p_at_us THEN jsonb_build_object(
            'reason', 'PLAYER_TIMED_OUT', 'until_us', p.timed_out_until_us,
            'message', 'Player must not have stepped back, has until ' || pam.time_words(p.timed_out_until_us))
        WHEN p.role <> 1 THEN jsonb_build_object(
            'reason', 'BETTOR_REQUIRED', 'message', 'Money must be moved for a bettor, was asked for by another')
    END
$$;
