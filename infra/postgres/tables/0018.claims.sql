-- depends: 0017.one-case-one-market

-- A stake is held from before the in-play delay until the command of its key is decided. A command that nobody decided
-- in time may be claimed anew, so that a key has one pending hold, and any number that ended.
ALTER TABLE ledger.hold ADD COLUMN fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32);
ALTER TABLE ledger.hold DROP CONSTRAINT hold_once;
CREATE UNIQUE INDEX hold_once ON ledger.hold (provider, key) WHERE state = 'pending';
CREATE INDEX hold_expires ON ledger.hold (expires_time_us) WHERE state = 'pending';

-- Which market a held stake is meant for: it counts there towards what a player may have open.
CREATE TABLE bets.claimed_market (
    hold_id uuid NOT NULL,
    fixture_id text NOT NULL,
    market_id text NOT NULL,
    PRIMARY KEY (hold_id, fixture_id, market_id)
);
CREATE TRIGGER claimed_market_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bets.claimed_market
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
