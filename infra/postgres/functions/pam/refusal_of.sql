-- Why no money moves at a player's wish, null where it may.
CREATE OR REPLACE FUNCTION pam.refusal_of(p_role smallint, p_status smallint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_status <> 1 THEN 'PLAYER_BLOCKED' WHEN p_role <> 1 THEN 'BETTOR_REQUIRED' END
$$;
