-- depends: 0028.persons

-- Until when a player stepped back, and until when they excluded themselves at least; 0 for never. Both only move on:
-- nobody takes them back. An exclusion does not end by itself.
ALTER TABLE pam.player ADD COLUMN timed_out_until_us bigint NOT NULL DEFAULT 0,
    ADD COLUMN excluded_until_us bigint NOT NULL DEFAULT 0,
    ADD COLUMN event_count integer NOT NULL DEFAULT 0;
-- What happened to a player, in order; what holds follows from it. kind:
--   1  stepped back until until_us
--   2  excluded themselves until until_us at least
--   3  bounded deposits over limit_window to amount_minor, null for no more, from time_us on
--   4  asked to raise that bound to amount_minor, null for none, from until_us on; it must be confirmed then where
--      needs_confirmation
--   5  was blocked or not any more, or had all sessions ended, by whoever runs this place
--   6  registered
CREATE TABLE pam.event (
    player_id uuid NOT NULL REFERENCES pam.player (player_id),
    sequence integer NOT NULL CHECK (sequence > 0),
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 6),
    until_us bigint,
    limit_window text CHECK (limit_window IN ('24h', '7d', 'month')),
    amount_minor bigint CHECK (amount_minor >= 0),
    needs_confirmation boolean,
    transaction_id xid8 NOT NULL DEFAULT ledger.transaction_id(),
    time_us bigint NOT NULL,
    PRIMARY KEY (player_id, sequence),
    CONSTRAINT event_says_what CHECK (
        (until_us IS NOT NULL) = (kind IN (1, 2, 4)) AND (limit_window IS NOT NULL) = (kind IN (3, 4))
        AND (needs_confirmation IS NOT NULL) = (kind = 4) AND (amount_minor IS NULL OR kind IN (3, 4))
    )
);
INSERT INTO pam.event (player_id, sequence, kind, time_us) SELECT player_id, 1, 6, registered_time_us FROM pam.player;
UPDATE pam.player SET event_count = 1;
INSERT INTO ledger.outbox (event, subject, sequence, time_us)
SELECT 'player_stands', player_id, 1, registered_time_us FROM pam.player;
CREATE TRIGGER player_stays_protected BEFORE UPDATE ON pam.player FOR EACH ROW
    WHEN (NEW.timed_out_until_us < OLD.timed_out_until_us OR NEW.excluded_until_us < OLD.excluded_until_us
        OR NEW.event_count < OLD.event_count)
    EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pam.event
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- What a player may pay in over a time, whatever is paid out: null for no bound. A raise that was asked for has a time
-- from which on it may hold, by itself or once it is confirmed.
CREATE TABLE pam.deposit_limit (
    player_id uuid NOT NULL REFERENCES pam.player (player_id),
    limit_window text NOT NULL CHECK (limit_window IN ('24h', '7d', 'month')),
    amount_minor bigint CHECK (amount_minor >= 0),
    raise_minor bigint CHECK (raise_minor >= 0),
    raise_from_us bigint,
    raise_needs_confirmation boolean,
    PRIMARY KEY (player_id, limit_window),
    CONSTRAINT raise_is_whole CHECK ((raise_from_us IS NULL) = (raise_needs_confirmation IS NULL)),
    CONSTRAINT raise_raises CHECK (
        raise_from_us IS NULL AND raise_minor IS NULL OR coalesce(raise_minor > amount_minor, amount_minor IS NOT NULL)
    )
);

-- What is paid in is counted by account and time.
CREATE INDEX transfer_deposits ON ledger.transfer (credit_account_id, time_us) WHERE kind = 'deposit';
