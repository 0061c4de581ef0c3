-- Store the next attempt of a deposit whose last one failed, before its provider is asked; false where that is not so any
-- more, its player may no longer pay in, or the limits that they set have no room for it by now.
CREATE OR REPLACE FUNCTION payments.begin_next(
    p_deposit_id uuid, p_number integer, p_reference uuid, p_provider text, p_decision jsonb, p_ask_after_us bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_deposit payments.deposit;
    v_locked ledger.locked;
    v_posted record;
BEGIN
    SELECT d.* INTO STRICT v_deposit FROM payments.deposit d WHERE d.deposit_id = p_deposit_id;
    v_locked := ledger.lock_accounts(ARRAY[v_deposit.account_id], true);
    PERFORM FROM (
        SELECT count(*) AS attempts, bool_and(a.state IN ('declined', 'cancelled', 'expired')) AS have_failed
        FROM payments.attempt a WHERE a.deposit_id = p_deposit_id
    ) AS before, pam.player p
    WHERE p.player_id = v_deposit.player_id AND before.attempts = p_number AND before.have_failed
        AND pam.refusal_of(p, v_locked.now_us) IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    v_posted := ledger.post(
        v_locked, ARRAY[ROW(
            'payments', format('deposit/%s:%s/%s', v_deposit.player_id, v_deposit.request_id, p_number),
            sha256(convert_to(p_reference::text, 'UTF8')), v_deposit.account_id,
            jsonb_build_object('attempt', p_reference), false, NULL, NULL
        )::ledger.asked], '{}',
        pam.deposit_guards(
            1, v_deposit.player_id, v_deposit.account_id, v_deposit.amount_minor, v_locked.now_us)
    );
    IF NOT v_posted.are_accepted[1] THEN
        RETURN false;
    END IF;
    INSERT INTO payments.attempt (
        reference, deposit_id, number, provider, decision, state, event_count, begun_time_us, ask_time_us
    ) VALUES (
        p_reference, p_deposit_id, p_number, p_provider, p_decision, 'submitted', 1, v_locked.now_us,
        v_locked.now_us + p_ask_after_us
    );
    PERFORM payments.record_event(p_reference, 0, 'submitted', '', '', v_locked.now_us);
    RETURN true;
END
$$;
