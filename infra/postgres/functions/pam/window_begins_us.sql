-- When a window of deposit limits begins that ends at a time: what came then counts no more.
CREATE OR REPLACE FUNCTION pam.window_begins_us(p_limit_window text, p_at_us bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_limit_window WHEN '24h' THEN p_at_us - 86400000000 WHEN '7d' THEN p_at_us - 604800000000
        ELSE pam.months_from(p_at_us, -1) END
$$;
