-- depends: 0027.decisions-told

CREATE SCHEMA casino;

-- A round of a game of our own, as it was played: what was drawn, kept in the commit that moves its money. Stops run by
-- reel, and count from 0.
CREATE TABLE casino.round (
    round_id uuid PRIMARY KEY,
    player_id uuid NOT NULL REFERENCES pam.player (player_id),
    request_id uuid NOT NULL,
    account_id bigint NOT NULL,
    game_code text NOT NULL CHECK (game_code ~ '^[a-z][a-z0-9_]{0,39}$'),
    game_version integer NOT NULL CHECK (game_version > 0),
    stops integer[] NOT NULL CHECK (cardinality(stops) > 0),
    stake_minor bigint NOT NULL CHECK (stake_minor > 0),
    win_minor bigint NOT NULL CHECK (win_minor >= 0),
    currency text NOT NULL,
    time_us bigint NOT NULL,
    transaction_id xid8 NOT NULL DEFAULT ledger.transaction_id(),
    CONSTRAINT round_once UNIQUE (player_id, request_id)
);
-- Which round of a player was the last, and the pages of their rounds.
CREATE INDEX round_of_player ON casino.round (player_id, time_us DESC, round_id DESC);
CREATE TRIGGER round_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON casino.round
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
