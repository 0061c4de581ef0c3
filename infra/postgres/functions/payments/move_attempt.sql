-- Bring an attempt that stands as the caller saw it to another state; false where another has moved it. The move to
-- 'credited' pays the deposit from what the provider owes us, in this same transaction: one without the other is not,
-- and what one payment of a provider brings is paid once. What came in is the player's, whoever they are by now.
CREATE OR REPLACE FUNCTION payments.move_attempt(
    p_reference uuid, p_event_count integer, p_state text, p_provider_reference text, p_code text
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_deposit payments.deposit;
    v_attempt payments.attempt;
    v_locked ledger.locked;
    v_posted record;
BEGIN
    SELECT d.* INTO STRICT v_deposit FROM payments.attempt a JOIN payments.deposit d USING (deposit_id)
    WHERE a.reference = p_reference;
    UPDATE payments.attempt a SET state = p_state, event_count = a.event_count + 1, code = p_code,
        provider_reference = CASE p_provider_reference WHEN '' THEN a.provider_reference ELSE p_provider_reference END,
        ask_time_us = CASE WHEN p_state IN ('unknown', 'pending', 'authorised') THEN a.ask_time_us END
    WHERE a.reference = p_reference AND a.event_count = p_event_count
    RETURNING a.* INTO v_attempt;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF p_state = 'credited' THEN
        v_locked := ledger.lock_accounts(ARRAY[v_deposit.account_id], true);
    END IF;
    PERFORM payments.record_event(
        p_reference, p_event_count, p_state, v_attempt.provider_reference, p_code,
        coalesce(v_locked.now_us, ledger.now_us()));
    IF p_state = 'credited' THEN
        v_posted := ledger.post(
            v_locked, ARRAY[ROW(
                'payments', format('%s/%s/credit', v_attempt.provider, v_attempt.provider_reference),
                sha256(convert_to(format('%s:%s', p_reference, v_deposit.amount_minor), 'UTF8')), v_deposit.account_id,
                jsonb_build_object('reference', p_reference), true, NULL, NULL
            )::ledger.asked],
            ARRAY[ROW(
                1, 'deposit', ledger.house_account('psp_clearing', v_deposit.currency, v_attempt.provider),
                v_deposit.account_id, v_deposit.amount_minor, NULL, v_deposit.deposit_id
            )::ledger.posting], '{}'
        );
        IF NOT v_posted.are_accepted[1] THEN
            RAISE EXCEPTION 'Payment % of % must be credited once, was before', v_attempt.provider_reference,
                v_attempt.provider USING ERRCODE = 'data_exception';
        END IF;
    END IF;
    RETURN true;
END
$$;
