-- Go on in this cluster: what was told keeps its place, and whatever comes now comes after it. Returns the new epoch.
CREATE OR REPLACE FUNCTION ledger.adopt(p_adopted_by text) RETURNS integer LANGUAGE plpgsql AS $$
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
    PERFORM ledger.count_in_epoch(v_epoch);
    INSERT INTO ledger.command (provider, key, fingerprint, answer)
    VALUES ('ledger', 'adopt/' || v_epoch, sha256(convert_to(v_row::text, 'UTF8')), v_row);
    RETURN v_epoch;
END
$$;
