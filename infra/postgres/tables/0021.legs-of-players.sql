-- depends: 0020.posting

-- What a player has open on a market is asked for with every bet on it: a leg says whose it is, and is found by that.
ALTER TABLE bets.leg ADD COLUMN player_id uuid;
ALTER TABLE bets.leg DISABLE TRIGGER leg_append_only;
UPDATE bets.leg l SET player_id = b.player_id FROM bets.bet b WHERE b.bet_id = l.bet_id;
ALTER TABLE bets.leg ENABLE TRIGGER leg_append_only;
ALTER TABLE bets.leg ALTER COLUMN player_id SET NOT NULL;
CREATE INDEX leg_of_player ON bets.leg (player_id, fixture_id, market_id);
DROP INDEX bets.bet_open_of_player;

-- Accounts that a transaction has locked, by account, as they stand then: what ledger.post decides by.
CREATE TYPE ledger.locked AS (
    account_ids bigint[],
    posted_minor bigint[],
    held_minor bigint[],
    versions bigint[],
    currencies text[],
    has_holds boolean,
    now_us bigint
);
