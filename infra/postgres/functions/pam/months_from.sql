-- The same time of day so many months later, or before where they are below zero, in UTC; the last day of a month that has
-- no such day.
CREATE OR REPLACE FUNCTION pam.months_from(p_time_us bigint, p_months integer) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT (extract(epoch FROM timestamp '1970-01-01' + p_time_us / 1000000 * interval '1 second'
        + make_interval(months => p_months)) * 1000000)::bigint + p_time_us % 1000000
$$;
