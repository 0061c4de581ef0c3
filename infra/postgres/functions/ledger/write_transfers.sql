-- Write down the movements of money that ledger.post makes, with the versions of players' accounts after each, and tell
-- of them. p_made names postings by their place, from 1, in the order in which they are made, and
-- p_legs counts those of one command. Returns their rows.
CREATE OR REPLACE FUNCTION ledger.write_transfers(
    p_commands ledger.asked[], p_postings ledger.posting[], p_made integer[], p_legs integer[],
    p_debit_versions bigint[], p_credit_versions bigint[], p_currencies text[], p_now_us bigint
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    v_row_ids bigint[];
BEGIN
    WITH moved AS (
        INSERT INTO ledger.transfer (
            provider, key, leg, kind, debit_account_id, credit_account_id, amount_minor, currency, debit_version,
            credit_version, reverses_row_id, subject_id, time_us
        )
        SELECT c.provider, c.key, m.leg, p.kind, p.debit_account_id, p.credit_account_id, p.amount_minor, m.currency,
            m.debit_version, m.credit_version, p.reverses_row_id, p.subject_id, p_now_us
        FROM unnest(p_made, p_legs, p_debit_versions, p_credit_versions, p_currencies) WITH ORDINALITY
            AS m (place, leg, debit_version, credit_version, currency, step)
        JOIN unnest(p_postings) WITH ORDINALITY AS p ON p.ordinality = m.place
        JOIN unnest(p_commands) WITH ORDINALITY AS c ON c.ordinality = p.command
        ORDER BY m.step
        RETURNING row_id, transfer_id
    ), told AS (
        INSERT INTO ledger.outbox (event, subject, sequence, time_us)
        SELECT 'transfer_posted', moved.transfer_id, moved.row_id, p_now_us FROM moved ORDER BY moved.row_id
    )
    SELECT array_agg(moved.row_id ORDER BY moved.row_id) INTO v_row_ids FROM moved;
    RETURN v_row_ids;
END
$$;
