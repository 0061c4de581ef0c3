-- A refusal as it is stored. A most below the least means that no stake would be taken.
CREATE OR REPLACE FUNCTION bets.refuse(
    p_reason text, p_message text, p_stake_max_minor bigint, p_stake_min_minor bigint
) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'reason', p_reason, 'message', p_message,
        'stake_max_minor', CASE WHEN p_stake_max_minor < p_stake_min_minor THEN 0 ELSE p_stake_max_minor END,
        'stake_min_minor', p_stake_min_minor
    ))
$$;
