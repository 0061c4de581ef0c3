-- Go on with this log: what is still in the outbox is told in it anew, and readers pass over what they have.
CREATE OR REPLACE FUNCTION ledger.adopt_log(p_log_id text, p_anchors_end bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger.told_log (log_id, anchors_end) VALUES (p_log_id, p_anchors_end)
    ON CONFLICT (is_only) DO UPDATE SET log_id = excluded.log_id, anchors_end = excluded.anchors_end;
    UPDATE ledger.relay_position SET transaction_id = '0', row_id = 0, time_us = ledger.now_us() WHERE relay = 'outbox';
END
$$;
