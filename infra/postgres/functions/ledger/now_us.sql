-- The time by the database's clock, in microseconds since the Unix epoch.
CREATE OR REPLACE FUNCTION ledger.now_us() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
$$;
