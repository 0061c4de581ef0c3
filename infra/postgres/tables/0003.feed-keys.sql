-- depends: 0001.ledger

-- Providers that push: who they are, and how far their updates are taken.

CREATE SCHEMA feed;

-- A key has 256 random bits, so that a plain SHA-256 of it cannot be turned back. A provider may have several at a time
-- while one replaces another.
CREATE TABLE feed.provider_key (
    key_sha256 bytea PRIMARY KEY CHECK (octet_length(key_sha256) = 32),
    provider_id text NOT NULL CHECK (provider_id ~ '^[!-~]{1,64}$'),
    timeout_ms integer NOT NULL CHECK (timeout_ms BETWEEN 100 AND 600000),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at timestamptz
);

-- Every update up to the sequence is in the log. Only the stream of the newest epoch moves it. It is not exact while a
-- stream runs, or after one that broke off: then the log may hold more.
CREATE TABLE feed.provider_cursor (
    provider_id text PRIMARY KEY CHECK (provider_id ~ '^[!-~]{1,64}$'),
    epoch bigint NOT NULL,
    acknowledged_sequence bigint NOT NULL CHECK (acknowledged_sequence >= 0),
    is_exact boolean NOT NULL,
    moved_time_ms bigint NOT NULL
) WITH (fillfactor = 50);
