-- A time as people write it, "2026-11-30 12:00 UTC".
CREATE OR REPLACE FUNCTION pam.time_words(p_time_us bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(to_timestamp(p_time_us / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
$$;
