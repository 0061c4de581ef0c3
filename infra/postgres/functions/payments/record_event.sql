-- Write down where an attempt came to, and tell of it.
CREATE OR REPLACE FUNCTION payments.record_event(
    p_reference uuid, p_sequence integer, p_state text, p_provider_reference text, p_code text, p_now_us bigint
) RETURNS void LANGUAGE sql AS $$
    INSERT INTO payments.attempt_event (reference, sequence, state, provider_reference, code, time_us)
    VALUES (p_reference, p_sequence, p_state, p_provider_reference, p_code, p_now_us);
    INSERT INTO ledger.outbox (event, subject, sequence, time_us)
    VALUES ('deposit_changed', p_reference, p_sequence, p_now_us);
$$;
