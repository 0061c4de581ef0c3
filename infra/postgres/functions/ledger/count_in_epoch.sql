-- Make anew the two functions that say the number of this transaction and the one below which every transaction has ended,
-- with the epoch in the upper bits, so that nobody has to look it up.
-- makes: ledger.horizon, ledger.transaction_id
CREATE OR REPLACE FUNCTION ledger.count_in_epoch(p_epoch integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        $f$CREATE OR REPLACE FUNCTION ledger.transaction_id() RETURNS xid8 LANGUAGE sql VOLATILE AS
            'SELECT (%1$s + pg_current_xact_id()::text::bigint)::text::xid8'$f$, p_epoch::bigint << 48);
    EXECUTE format(
        $f$CREATE OR REPLACE FUNCTION ledger.horizon() RETURNS xid8 LANGUAGE sql STABLE AS
            'SELECT (%1$s + pg_snapshot_xmin(pg_current_snapshot())::text::bigint)::text::xid8'$f$,
        p_epoch::bigint << 48);
END
$$;

SELECT ledger.count_in_epoch(max(epoch)) FROM ledger.epoch;
