-- depends: 0004.bets

-- A result and how far it has been applied. kind: 1 settlement, 2 its rollback, 3 cancellation, 4 its rollback.
CREATE TABLE bets.settlement (
    result_key text PRIMARY KEY,
    fixture_id text NOT NULL,
    market_id text NOT NULL,
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
    result jsonb NOT NULL,
    last_bet_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    applied_count bigint NOT NULL DEFAULT 0,
    is_complete boolean NOT NULL DEFAULT false,
    begun_time_us bigint NOT NULL DEFAULT ledger.now_us(),
    completed_time_us bigint
);
CREATE INDEX settlement_of_market ON bets.settlement (fixture_id, market_id);

-- Begin a result, or go on with it: alone on its market, whose standing it sets, until the transaction ends.
CREATE FUNCTION bets.open_settlement(
    p_result_key text, p_fixture_id text, p_market_id text, p_kind smallint, p_result jsonb, p_window_end_us bigint
) RETURNS TABLE (is_same boolean, is_complete boolean, last_bet_id uuid) LANGUAGE plpgsql AS $$
DECLARE
    v_closes boolean := p_kind = 1 OR (p_kind = 3 AND (p_window_end_us = 0 OR p_window_end_us > ledger.now_us()));
BEGIN
    PERFORM pg_advisory_xact_lock(bets.market_lock_key(p_fixture_id, p_market_id));
    INSERT INTO bets.settlement AS s (result_key, fixture_id, market_id, kind, result)
    VALUES (p_result_key, p_fixture_id, p_market_id, p_kind, p_result) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        INSERT INTO bets.market AS m (fixture_id, market_id, is_settled, is_cancelled)
        VALUES (p_fixture_id, p_market_id, p_kind = 1, p_kind = 3 AND v_closes)
        ON CONFLICT (fixture_id, market_id) DO UPDATE SET
            is_settled = CASE p_kind WHEN 1 THEN true WHEN 2 THEN false ELSE m.is_settled END,
            is_cancelled = CASE p_kind WHEN 3 THEN m.is_cancelled OR v_closes WHEN 4 THEN false ELSE m.is_cancelled END;
    END IF;
    RETURN QUERY SELECT s.result = p_result AND s.fixture_id = p_fixture_id AND s.kind = p_kind, s.is_complete,
        s.last_bet_id FROM bets.settlement s WHERE s.result_key = p_result_key FOR UPDATE;
END
$$;

-- Write down what happened to a bet, and tell of it.
CREATE FUNCTION bets.record_event(
    p_bet_id uuid, p_kind smallint, p_amount_minor bigint, p_status smallint, p_return_minor bigint, p_result_key text,
    p_now_us bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_sequence integer;
BEGIN
    UPDATE bets.bet SET event_count = event_count + 1, status = p_status, return_minor = p_return_minor,
        settled_time_us = CASE WHEN p_status = 1 THEN NULL ELSE p_now_us END
    WHERE bet_id = p_bet_id RETURNING event_count - 1 INTO STRICT v_sequence;
    INSERT INTO bets.event (bet_id, sequence, kind, time_us, amount_minor, status, return_minor, result_key)
    VALUES (p_bet_id, v_sequence, p_kind, p_now_us, p_amount_minor, p_status, p_return_minor, p_result_key);
    INSERT INTO ledger.outbox (kind, subject_id, event_sequence, time_us) VALUES (1, p_bet_id, v_sequence, p_now_us);
    INSERT INTO ledger.outbox (kind, subject_id, event_sequence, leg, time_us)
    SELECT 2, p_bet_id, v_sequence, leg, p_now_us FROM bets.leg WHERE bet_id = p_bet_id ORDER BY leg;
END
$$;

-- Credit a bet: a payout, or the refund of its stake. What the player owes is kept back from it.
CREATE FUNCTION bets.credit(
    p_bet_id uuid, p_kind text, p_amount_minor bigint, p_key text, p_now_us bigint
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_cash record;
    v_receivable record;
    v_row_id bigint;
BEGIN
    IF p_amount_minor > 0 THEN
        SELECT a.account_id, a.owner_id, a.currency INTO STRICT v_cash
        FROM bets.bet b JOIN ledger.account a USING (account_id) WHERE b.bet_id = p_bet_id;
        v_row_id := ledger.move(
            'settlement', p_key, p_kind,
            ledger.house_account(CASE p_kind WHEN 'refund' THEN 'stakes' ELSE 'payouts' END, v_cash.currency),
            v_cash.account_id, p_amount_minor, NULL, p_bet_id, p_now_us
        );
        SELECT a.account_id, -a.posted_minor AS debt_minor INTO STRICT v_receivable FROM ledger.account a
        WHERE a.owner_id = v_cash.owner_id AND a.kind = 'receivable' AND a.currency = v_cash.currency;
        IF v_receivable.debt_minor > 0 THEN
            PERFORM ledger.move(
                'settlement', p_key, 'recovery', v_cash.account_id, v_receivable.account_id,
                least(v_receivable.debt_minor, p_amount_minor), NULL, NULL, p_now_us
            );
        END IF;
    END IF;
    UPDATE bets.bet SET credit_row_id = v_row_id WHERE bet_id = p_bet_id;
END
$$;

-- Reverse the standing credit of a bet. What cash cannot cover is advanced by the player's receivable account first, so
-- that the reversal is whole and cash stays at zero or above.
CREATE FUNCTION bets.take_back(p_bet_id uuid, p_key text, p_now_us bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_original record;
    v_cash record;
    v_receivable_id bigint;
BEGIN
    SELECT t.row_id, t.debit_account_id, t.credit_account_id, t.amount_minor INTO v_original
    FROM bets.bet b JOIN ledger.transfer t ON t.row_id = b.credit_row_id WHERE b.bet_id = p_bet_id;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT a.owner_id, a.currency, a.posted_minor - a.held_minor AS available_minor INTO STRICT v_cash
    FROM ledger.account a WHERE a.account_id = v_original.credit_account_id;
    IF v_cash.available_minor < v_original.amount_minor THEN
        SELECT a.account_id INTO STRICT v_receivable_id FROM ledger.account a
        WHERE a.owner_id = v_cash.owner_id AND a.kind = 'receivable' AND a.currency = v_cash.currency;
        PERFORM ledger.move(
            'settlement', p_key, 'advance', v_receivable_id, v_original.credit_account_id,
            v_original.amount_minor - v_cash.available_minor, NULL, NULL, p_now_us
        );
    END IF;
    PERFORM ledger.move(
        'settlement', p_key, 'rollback', v_original.credit_account_id, v_original.debit_account_id,
        v_original.amount_minor, v_original.row_id, p_bet_id, p_now_us
    );
    UPDATE bets.bet SET credit_row_id = NULL WHERE bet_id = p_bet_id;
END
$$;

-- Apply a result to one bet whose row and accounts are locked; true where it changed something. p_return_minor and
-- p_result_status are those of a settlement.
CREATE FUNCTION bets.apply_result(
    p_bet_id uuid, p_kind smallint, p_return_minor bigint, p_result_status smallint, p_result_key text, p_now_us bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_bet bets.bet;
    v_key text := p_result_key || '/' || p_bet_id;
    v_stands boolean;
    v_is_idle boolean;
BEGIN
    SELECT * INTO STRICT v_bet FROM bets.bet WHERE bet_id = p_bet_id;
    v_stands := v_bet.result_status IS NOT NULL;
    v_is_idle := CASE p_kind
        WHEN 1 THEN v_stands AND v_bet.result_return_minor = p_return_minor AND v_bet.result_status = p_result_status
        WHEN 2 THEN NOT v_stands
        WHEN 3 THEN v_bet.is_cancelled
        ELSE NOT v_bet.is_cancelled
    END;
    IF v_is_idle THEN
        RETURN false;
    END IF;
    PERFORM ledger.begin_command(
        'settlement', v_key, sha256(convert_to(concat_ws('/', v_key, p_kind, p_return_minor), 'UTF8')));

    IF p_kind = 4 THEN
        PERFORM bets.take_back(p_bet_id, v_key, p_now_us);
        PERFORM bets.record_event(p_bet_id, 5::smallint, -v_bet.return_minor, 1::smallint, 0, p_result_key, p_now_us);
    ELSIF v_stands AND NOT v_bet.is_cancelled THEN
        PERFORM bets.take_back(p_bet_id, v_key, p_now_us);
        PERFORM bets.record_event(p_bet_id, 3::smallint, -v_bet.return_minor, 1::smallint, 0, p_result_key, p_now_us);
    END IF;

    UPDATE bets.bet SET
        is_cancelled = CASE p_kind WHEN 3 THEN true WHEN 4 THEN false ELSE is_cancelled END,
        result_return_minor = CASE p_kind WHEN 1 THEN p_return_minor WHEN 2 THEN NULL ELSE result_return_minor END,
        result_status = CASE p_kind WHEN 1 THEN p_result_status WHEN 2 THEN NULL ELSE result_status END
    WHERE bet_id = p_bet_id RETURNING * INTO v_bet;

    IF p_kind = 3 THEN
        PERFORM bets.credit(p_bet_id, 'refund', v_bet.stake_minor, v_key, p_now_us);
        PERFORM bets.record_event(
            p_bet_id, 4::smallint, v_bet.stake_minor, 3::smallint, v_bet.stake_minor, p_result_key, p_now_us);
    ELSIF v_bet.result_status IS NOT NULL AND NOT v_bet.is_cancelled THEN
        PERFORM bets.credit(p_bet_id, 'payout', v_bet.result_return_minor, v_key, p_now_us);
        PERFORM bets.record_event(
            p_bet_id, 2::smallint, v_bet.result_return_minor, v_bet.result_status, v_bet.result_return_minor,
            p_result_key, p_now_us);
    END IF;
    PERFORM ledger.answer_command('settlement', v_key, jsonb_build_object('bet_id', p_bet_id));
    RETURN true;
END
$$;

-- Apply a result to a page of bets whose rows the caller has locked, and remember how far it came.
CREATE FUNCTION bets.settle_page(
    p_result_key text, p_kind smallint, p_bet_ids uuid[], p_returns_minor bigint[], p_result_statuses smallint[],
    p_last_bet_id uuid, p_is_complete boolean
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_now_us bigint;
    v_applied bigint;
BEGIN
    PERFORM FROM ledger.account a WHERE a.account_id IN (
        SELECT own.account_id FROM bets.bet b JOIN ledger.account own ON own.owner_id = b.player_id
        WHERE b.bet_id = ANY (p_bet_ids) AND own.kind IN ('cash', 'receivable')
    ) ORDER BY a.account_id FOR UPDATE;
    v_now_us := ledger.now_us();
    SELECT count(*) FILTER (
        WHERE bets.apply_result(b.bet_id, p_kind, b.return_minor, b.result_status, p_result_key, v_now_us)
    ) INTO v_applied
    FROM unnest(p_bet_ids, p_returns_minor, p_result_statuses) AS b (bet_id, return_minor, result_status);
    UPDATE bets.settlement SET last_bet_id = coalesce(p_last_bet_id, last_bet_id),
        applied_count = applied_count + v_applied, is_complete = p_is_complete,
        completed_time_us = CASE WHEN p_is_complete THEN v_now_us END
    WHERE result_key = p_result_key;
    RETURN v_applied;
END
$$;
