-- Bring bets at once to where a result leaves them, on which nothing stands and whose owners owe nothing; rows and
-- accounts are locked. What apply_result does to one bet, this does to all of them in a few statements.
CREATE OR REPLACE FUNCTION bets.apply_to_fresh(
    p_bet_ids uuid[], p_statuses smallint[], p_returns_minor bigint[], p_are_refunds boolean[], p_result_key text,
    p_locked ledger.locked
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_commands ledger.asked[];
    v_postings ledger.posting[];
    v_bet_ids uuid[];
    v_posted record;
BEGIN
    WITH house AS MATERIALIZED (
        SELECT c.currency, c.is_refund,
            ledger.house_account(CASE WHEN c.is_refund THEN 'stakes' ELSE 'payouts' END, c.currency) AS account_id
        FROM (
            SELECT DISTINCT b.currency, f.is_refund
            FROM unnest(p_bet_ids, p_are_refunds) AS f (bet_id, is_refund) JOIN bets.bet b USING (bet_id)
        ) AS c
    ), fresh AS MATERIALIZED (
        SELECT b.bet_id, b.account_id, house.account_id AS house_id, f.status, f.return_minor, f.is_refund,
            p_result_key || '/' || b.bet_id AS key, (row_number() OVER (ORDER BY b.bet_id))::integer AS command
        FROM unnest(p_bet_ids, p_statuses, p_returns_minor, p_are_refunds)
            AS f (bet_id, status, return_minor, is_refund)
        JOIN bets.bet b USING (bet_id) JOIN house ON (house.currency, house.is_refund) = (b.currency, f.is_refund)
    )
    SELECT
        (SELECT array_agg(ROW(
            'settlement', f.key, sha256(convert_to(concat_ws('/', f.key, f.status, f.return_minor), 'UTF8')),
            f.account_id, jsonb_build_object('bet_id', f.bet_id), false, NULL, NULL
        )::ledger.asked ORDER BY f.command) FROM fresh f),
        (SELECT coalesce(array_agg(ROW(
            f.command, CASE WHEN f.is_refund THEN 'refund' ELSE 'payout' END, f.house_id, f.account_id, f.return_minor,
            NULL, f.bet_id
        )::ledger.posting ORDER BY f.command), '{}') FROM fresh f WHERE f.return_minor > 0),
        (SELECT array_agg(f.bet_id ORDER BY f.command) FROM fresh f WHERE f.return_minor > 0)
    INTO v_commands, v_postings, v_bet_ids;

    v_posted := ledger.post(p_locked, v_commands, v_postings, '{}');
    IF false = ANY (v_posted.are_accepted) THEN
        RAISE EXCEPTION 'Result % must change each bet once, did before', p_result_key
            USING ERRCODE = 'unique_violation';
    END IF;

    WITH fresh AS (
        SELECT b.bet_id, b.event_count AS sequence, credit.row_id, f.status, f.return_minor, f.is_refund
        FROM unnest(p_bet_ids, p_statuses, p_returns_minor, p_are_refunds)
            AS f (bet_id, status, return_minor, is_refund)
        JOIN bets.bet b USING (bet_id)
        LEFT JOIN unnest(v_bet_ids, v_posted.row_ids) AS credit (bet_id, row_id) USING (bet_id)
    ), changed AS (
        UPDATE bets.bet b SET event_count = b.event_count + 1, status = f.status, return_minor = f.return_minor,
            settled_time_us = p_locked.now_us, is_cancelled = f.is_refund, credit_row_id = f.row_id
        FROM fresh f WHERE b.bet_id = f.bet_id
    ), recorded AS (
        INSERT INTO bets.event (bet_id, sequence, kind, time_us, amount_minor, status, return_minor, result_key)
        SELECT f.bet_id, f.sequence, CASE WHEN f.is_refund THEN 4 ELSE 2 END, p_locked.now_us, f.return_minor, f.status,
            f.return_minor, p_result_key
        FROM fresh f
    )
    INSERT INTO ledger.outbox (event, subject, sequence, time_us)
    SELECT 'bet_changed', f.bet_id, f.sequence, p_locked.now_us FROM fresh f
    UNION ALL
    SELECT 'leg_changed', f.bet_id, f.sequence * count(*) OVER (PARTITION BY f.bet_id) + l.leg, p_locked.now_us
    FROM fresh f JOIN bets.leg l USING (bet_id);
END
$$;
