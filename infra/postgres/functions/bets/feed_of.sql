-- The feed that a provider is a product of, which speaks with one voice: itself where it is none.
CREATE OR REPLACE FUNCTION bets.feed_of(p_provider_id text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT split_part(p_provider_id, ':', 1)
$$;
