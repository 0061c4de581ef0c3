-- The window of a cancellation, or of the rollback of one.
CREATE OR REPLACE FUNCTION bets.window_in(p_result jsonb) RETURNS int8multirange LANGUAGE sql IMMUTABLE AS $$
    SELECT bets.window_of(
        coalesce((p_result ->> 'window_start_ms')::bigint, 0) * 1000,
        coalesce((p_result ->> 'window_end_ms')::bigint, 0) * 1000)
$$;
