-- Apply a settlement or a cancellation at once to bets on which nothing stands, whose owners owe nothing; rows and
-- accounts are locked. What apply_result does to one bet, this does to all of them in a few statements.
CREATE OR REPLACE FUNCTION bets.apply_to_fresh(
    p_kind smallint, p_bet_ids uuid[], p_returns_minor bigint[], p_result_statuses smallint[], p_result_key text,
    p_now_us bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_event_kind smallint := CASE p_kind WHEN 1 THEN 2 ELSE 4 END;
    v_transfer_kind text := CASE p_kind WHEN 1 THEN 'payout' ELSE 'refund' END;
    v_house_kind text := CASE p_kind WHEN 1 THEN 'payouts' ELSE 'stakes' END;
BEGIN
    PERFORM ledger.house_account(v_house_kind, b.currency) FROM bets.bet b
    WHERE b.bet_id = ANY (p_bet_ids) GROUP BY b.currency;

    INSERT INTO ledger.command (provider, key, fingerprint, answer)
    SELECT 'settlement', v.key, sha256(convert_to(concat_ws('/', v.key, p_kind, v.return_minor), 'UTF8')),
        jsonb_build_object('bet_id', v.bet_id)
    FROM (
        SELECT f.bet_id, f.return_minor, p_result_key || '/' || f.bet_id AS key
        FROM unnest(p_bet_ids, p_returns_minor) AS f (bet_id, return_minor)
    ) AS v;

    WITH fresh AS (
        SELECT b.bet_id, b.account_id, b.currency, b.event_count AS sequence,
            CASE p_kind WHEN 1 THEN f.return_minor ELSE b.stake_minor END AS amount_minor,
            CASE p_kind WHEN 1 THEN f.result_status ELSE 3 END AS status, f.return_minor, f.result_status
        FROM unnest(p_bet_ids, p_returns_minor, p_result_statuses) AS f (bet_id, return_minor, result_status)
        JOIN bets.bet b USING (bet_id)
    ), posted AS (
        INSERT INTO ledger.transfer (
            provider, key, leg, kind, debit_account_id, credit_account_id, amount_minor, currency, credit_version,
            subject_id, time_us
        )
        SELECT 'settlement', p_result_key || '/' || f.bet_id, 0, v_transfer_kind, house.account_id, f.account_id,
            f.amount_minor, f.currency,
            a.version + row_number() OVER (PARTITION BY f.account_id ORDER BY f.bet_id), f.bet_id, p_now_us
        FROM fresh f JOIN ledger.account a USING (account_id)
        JOIN ledger.account house
            ON house.owner_id IS NULL AND house.kind = v_house_kind AND house.currency = f.currency
        WHERE f.amount_minor > 0 ORDER BY f.bet_id
        RETURNING row_id, subject_id
    ), credited AS (
        UPDATE ledger.account a SET posted_minor = a.posted_minor + c.amount_minor, version = a.version + c.bet_count
        FROM (
            SELECT account_id, sum(amount_minor)::bigint AS amount_minor, count(*) AS bet_count
            FROM fresh WHERE amount_minor > 0 GROUP BY account_id
        ) AS c WHERE a.account_id = c.account_id
    ), changed AS (
        UPDATE bets.bet b SET event_count = b.event_count + 1, status = f.status, return_minor = f.amount_minor,
            settled_time_us = p_now_us, is_cancelled = p_kind = 3,
            result_return_minor = CASE p_kind WHEN 1 THEN f.return_minor END,
            result_status = CASE p_kind WHEN 1 THEN f.result_status END, credit_row_id = posted.row_id
        FROM fresh f LEFT JOIN posted ON posted.subject_id = f.bet_id WHERE b.bet_id = f.bet_id
    ), recorded AS (
        INSERT INTO bets.event (bet_id, sequence, kind, time_us, amount_minor, status, return_minor, result_key)
        SELECT f.bet_id, f.sequence, v_event_kind, p_now_us, f.amount_minor, f.status, f.amount_minor, p_result_key
        FROM fresh f
    )
    INSERT INTO ledger.outbox (kind, subject_id, event_sequence, leg, transfer_row_id, time_us)
    SELECT 3, NULL::uuid, NULL::integer, NULL::smallint, posted.row_id, p_now_us FROM posted
    UNION ALL SELECT 1, f.bet_id, f.sequence, NULL, NULL, p_now_us FROM fresh f
    UNION ALL SELECT 2, f.bet_id, f.sequence, l.leg, NULL, p_now_us FROM fresh f JOIN bets.leg l USING (bet_id);
END
$$;
