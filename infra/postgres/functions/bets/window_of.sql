-- Bets placed from a time on and before another; zero for no bound.
CREATE OR REPLACE FUNCTION bets.window_of(p_start_us bigint, p_end_us bigint) RETURNS int8multirange
LANGUAGE sql IMMUTABLE AS $$
    SELECT int8multirange(int8range(nullif(p_start_us, 0), nullif(p_end_us, 0)))
$$;
