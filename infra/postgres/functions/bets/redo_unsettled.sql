-- Apply to a bet that was left out what its results make of it; how many of them, that there still are.
CREATE OR REPLACE FUNCTION bets.redo_unsettled(p_bet_id uuid, p_reason text, p_decided_by text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_now_us bigint;
    v_count bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(bets.market_lock_key(m.fixture_id, m.market_id)) FROM (
        SELECT DISTINCT l.fixture_id, l.market_id FROM bets.leg l WHERE l.bet_id = p_bet_id ORDER BY 1, 2 OFFSET 0
    ) AS m;
    PERFORM FROM bets.bet b WHERE b.bet_id = p_bet_id FOR UPDATE;
    v_now_us := (ledger.lock_accounts(ARRAY(
        SELECT own.account_id FROM bets.bet b JOIN ledger.account own ON own.owner_id = b.player_id
        WHERE b.bet_id = p_bet_id AND own.kind IN ('cash', 'receivable')
    ), true)).now_us;
    PERFORM bets.apply_result(u.bet_id, u.kind, u.return_minor, u.result_status, u.result_key, v_now_us)
    FROM bets.unsettled u WHERE u.bet_id = p_bet_id AND u.state = 'held';
    UPDATE bets.unsettled u SET state = 'applied' WHERE u.bet_id = p_bet_id AND u.state = 'held';
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count > 0 THEN
        INSERT INTO bets.result_decision (bet_id, decision, reason, decided_by)
        VALUES (p_bet_id, 'redo', p_reason, p_decided_by);
    END IF;
    RETURN v_count;
END
$$;
