-- depends: 0005.settlement

-- Positions are numbers of transactions, and those are a cluster's own: what is restored elsewhere, or as it was
-- earlier, would count anew from below what was told already. So a position has an epoch in its upper bits, which a
-- person raises when a ledger goes on in another cluster or from an earlier state. Until then the relay does not lead.
CREATE TABLE ledger.epoch (
    epoch integer PRIMARY KEY CHECK (epoch BETWEEN 0 AND 32767),
    ledger_id uuid NOT NULL,
    cluster text NOT NULL,
    adopted_by text NOT NULL,
    record_block_id bigint NOT NULL,
    chain_block_id bigint NOT NULL,
    time_us bigint NOT NULL DEFAULT ledger.now_us()
);
CREATE TRIGGER epoch_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.epoch
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- Which cluster this is, and on which line of its history: a restored one has another name, a rewound one another line.
CREATE FUNCTION ledger.cluster() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT system_identifier::text || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
    FROM pg_control_system()
$$;

-- The number of this transaction, and the one below which every transaction has ended. Both are made anew with each
-- epoch, so that nobody has to look it up.
CREATE FUNCTION ledger.transaction_id() RETURNS xid8 LANGUAGE sql VOLATILE AS $$ SELECT pg_current_xact_id() $$;
CREATE FUNCTION ledger.horizon() RETURNS xid8 LANGUAGE sql STABLE AS $$
    SELECT pg_snapshot_xmin(pg_current_snapshot())
$$;

ALTER TABLE ledger.transfer ALTER COLUMN transaction_id SET DEFAULT ledger.transaction_id();
ALTER TABLE ledger.outbox ALTER COLUMN transaction_id SET DEFAULT ledger.transaction_id();
ALTER TABLE bets.event ALTER COLUMN transaction_id SET DEFAULT ledger.transaction_id();

-- Commands from before have no number: the chain of records begins with the first that has one.
ALTER TABLE ledger.command ADD COLUMN transaction_id xid8;
ALTER TABLE ledger.command ALTER COLUMN transaction_id SET DEFAULT ledger.transaction_id();
CREATE INDEX command_in_order ON ledger.command (transaction_id) WHERE transaction_id IS NOT NULL;

-- The Merkle chain over the commands with all that they wrote, in the order of (transaction_id, provider, key). A block
-- ends where a transaction does.
CREATE TABLE ledger.record_block (
    block_id bigint PRIMARY KEY CHECK (block_id > 0),
    last_transaction_id xid8 NOT NULL,
    record_count integer NOT NULL CHECK (record_count > 0),
    merkle_root bytea NOT NULL CHECK (octet_length(merkle_root) = 32),
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    block_hash bytea NOT NULL CHECK (octet_length(block_hash) = 32),
    time_us bigint NOT NULL
);
CREATE TRIGGER record_block_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.record_block
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

INSERT INTO ledger.epoch (epoch, ledger_id, cluster, adopted_by, record_block_id, chain_block_id)
VALUES (0, gen_random_uuid(), ledger.cluster(), 'migration', 0, 0);

-- Go on in this cluster: what was told keeps its place, and whatever comes now comes after it. Returns the new epoch.
CREATE FUNCTION ledger.adopt(p_adopted_by text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_epoch integer;
    v_row jsonb;
BEGIN
    LOCK TABLE ledger.epoch IN EXCLUSIVE MODE;
    INSERT INTO ledger.epoch (epoch, ledger_id, cluster, adopted_by, record_block_id, chain_block_id)
    SELECT max(epoch) + 1, min(ledger_id::text)::uuid, ledger.cluster(), p_adopted_by,
        (SELECT coalesce(max(block_id), 0) FROM ledger.record_block),
        (SELECT coalesce(max(block_id), 0) FROM ledger.chain_block)
    FROM ledger.epoch RETURNING epoch, to_jsonb(epoch.*) INTO v_epoch, v_row;
    EXECUTE format(
        $f$CREATE OR REPLACE FUNCTION ledger.transaction_id() RETURNS xid8 LANGUAGE sql VOLATILE AS
            'SELECT (%1$s + pg_current_xact_id()::text::bigint)::text::xid8'$f$, v_epoch::bigint << 48);
    EXECUTE format(
        $f$CREATE OR REPLACE FUNCTION ledger.horizon() RETURNS xid8 LANGUAGE sql STABLE AS
            'SELECT (%1$s + pg_snapshot_xmin(pg_current_snapshot())::text::bigint)::text::xid8'$f$,
        v_epoch::bigint << 48);
    INSERT INTO ledger.command (provider, key, fingerprint, answer)
    VALUES ('ledger', 'adopt/' || v_epoch, sha256(convert_to(v_row::text, 'UTF8')), v_row);
    RETURN v_epoch;
END
$$;
