-- Under which key the ledger keeps the command of a bet: request ids are the client's, so the player is part of it.
CREATE OR REPLACE FUNCTION bets.command_key(p_player_id uuid, p_request_id uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT p_player_id::text || ':' || p_request_id::text
$$;
