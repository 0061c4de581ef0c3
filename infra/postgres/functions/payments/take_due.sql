-- Attempts whose provider is to be asked again, each put off by how often it was asked: who asks may end before it has
-- an answer, and another asks then.
CREATE OR REPLACE FUNCTION payments.take_due(p_attempts_max integer, p_after_us bigint[]) RETURNS SETOF uuid
LANGUAGE sql AS $$
    UPDATE payments.attempt a SET asked_count = a.asked_count + 1,
        ask_time_us = ledger.now_us() + p_after_us[least(a.asked_count + 2, cardinality(p_after_us))]
    FROM (
        SELECT due.reference FROM payments.attempt due WHERE due.ask_time_us <= ledger.now_us()
        ORDER BY due.ask_time_us LIMIT p_attempts_max FOR UPDATE SKIP LOCKED
    ) AS taken
    WHERE a.reference = taken.reference RETURNING a.reference
$$;
