-- depends: 0006.market-windows

-- Who said it, and the digest of the message it came in (null for results from before it was kept).
ALTER TABLE bets.settlement ADD COLUMN provider_id text;
UPDATE bets.settlement SET provider_id = split_part(substr(result_key, length(fixture_id) + 2), '/', 1);
ALTER TABLE bets.settlement ALTER COLUMN provider_id SET NOT NULL;
ALTER TABLE bets.settlement ADD COLUMN digest bytea CHECK (octet_length(digest) = 32);
-- An echo says what another provider's result says already: it moved nothing and nothing hangs on it.
ALTER TABLE bets.settlement ADD COLUMN is_echo boolean NOT NULL DEFAULT false;

-- The settlement that stands on a market, null for none.
ALTER TABLE bets.market ADD COLUMN settled_by text REFERENCES bets.settlement (result_key);
UPDATE bets.market m SET settled_by = (
    SELECT s.result_key FROM bets.settlement s
    WHERE s.fixture_id = m.fixture_id AND s.market_id = m.market_id AND s.kind = 1
    ORDER BY s.begun_time_us DESC LIMIT 1
) WHERE m.is_settled;
ALTER TABLE bets.market DROP COLUMN is_settled;
ALTER TABLE bets.market ADD COLUMN is_settled boolean NOT NULL GENERATED ALWAYS AS (settled_by IS NOT NULL) STORED;

-- Results that have not moved money: a person has to look first (held), or they wait for their turn behind one that
-- holds the queue of its fixture (due). In the end a result is applied or dropped. The message is whole, all that came,
-- where no result in it could be read.
CREATE TABLE bets.parked_result (
    parked_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    result_key text NOT NULL UNIQUE,
    provider_id text NOT NULL,
    fixture_id text NOT NULL,
    market_id text NOT NULL,
    kind integer NOT NULL,
    message bytea NOT NULL,
    is_whole boolean NOT NULL,
    holds_queue boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('held', 'due', 'applied', 'dropped')),
    is_decided boolean NOT NULL DEFAULT false,
    reason text NOT NULL,
    detail text NOT NULL,
    parked_time_us bigint NOT NULL DEFAULT ledger.now_us(),
    ended_time_us bigint,
    CONSTRAINT parked_result_end_dated CHECK ((state IN ('applied', 'dropped')) = (ended_time_us IS NOT NULL))
);
CREATE INDEX parked_result_waiting ON bets.parked_result (fixture_id, parked_id) WHERE state IN ('held', 'due');

-- Bets that a result could not be applied to while it was to all others, with what it makes of them.
CREATE TABLE bets.unsettled (
    bet_id uuid NOT NULL REFERENCES bets.bet (bet_id),
    result_key text NOT NULL REFERENCES bets.settlement (result_key),
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
    return_minor bigint NOT NULL,
    result_status smallint NOT NULL,
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'applied', 'dropped', 'superseded')),
    reason text NOT NULL,
    detail text NOT NULL,
    time_us bigint NOT NULL DEFAULT ledger.now_us(),
    PRIMARY KEY (bet_id, result_key)
);
CREATE INDEX unsettled_waiting ON bets.unsettled (bet_id) WHERE state = 'held';

-- What people decided about either, and why.
CREATE TABLE bets.result_decision (
    decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parked_id bigint REFERENCES bets.parked_result (parked_id),
    bet_id uuid REFERENCES bets.bet (bet_id),
    decision text NOT NULL CHECK (decision IN ('redo', 'drop')),
    reason text NOT NULL CHECK (reason <> ''),
    decided_by text NOT NULL CHECK (decided_by <> ''),
    time_us bigint NOT NULL DEFAULT ledger.now_us(),
    CONSTRAINT result_decision_of_one CHECK (num_nonnulls(parked_id, bet_id) = 1)
);
CREATE TRIGGER result_decision_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bets.result_decision
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- Whether a bet placed on a market at a time would be too late: it is settled, such bets are void, or a result waits
-- that may say so. Ask under the market's lock.
CREATE OR REPLACE FUNCTION bets.market_is_closed(p_fixture_id text, p_market_id text, p_at_us bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM bets.market m WHERE m.fixture_id = p_fixture_id AND m.market_id = p_market_id
            AND (m.settled_by IS NOT NULL OR m.cancelled_us @> p_at_us)
    ) OR EXISTS (
        SELECT FROM bets.parked_result p WHERE p.fixture_id = p_fixture_id AND p.market_id = p_market_id
            AND p.kind IN (1, 3) AND p.state IN ('held', 'due')
    )
$$;

-- What the result says of an outcome: factors that change nothing are left out.
CREATE FUNCTION bets.outcome_word(p_outcome jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_array(
        p_outcome -> 'outcome_id', p_outcome -> 'void_factor_micro',
        CASE WHEN p_outcome -> 'void_factor_micro' <> '1000000' THEN p_outcome -> 'win_factor_micro' END,
        CASE WHEN p_outcome -> 'void_factor_micro' <> '1000000' AND p_outcome -> 'win_factor_micro' <> '0'
            THEN p_outcome -> 'dead_heat_factor_micro' END)
$$;

-- Whether a settlement says nothing that the other does not say.
CREATE FUNCTION bets.is_said_by(p_result jsonb, p_other jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(p_result -> 'reductions', '[]') = coalesce(p_other -> 'reductions', '[]') AND NOT EXISTS (
        SELECT bets.outcome_word(o) FROM jsonb_array_elements(p_result -> 'outcomes') AS o
        EXCEPT SELECT bets.outcome_word(o) FROM jsonb_array_elements(p_other -> 'outcomes') AS o
    )
$$;

-- The window of a cancellation, or of the rollback of one.
CREATE FUNCTION bets.window_in(p_result jsonb) RETURNS int8multirange LANGUAGE sql IMMUTABLE AS $$
    SELECT bets.window_of(
        coalesce((p_result ->> 'window_start_ms')::bigint, 0) * 1000,
        coalesce((p_result ->> 'window_end_ms')::bigint, 0) * 1000)
$$;

-- What a new result is beside the standing word of other providers: 'new', 'said' before, or that it 'contradicts'.
CREATE FUNCTION bets.compare_result(
    p_provider_id text, p_fixture_id text, p_market_id text, p_kind smallint, p_result jsonb
) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_window int8multirange := bets.window_in(p_result);
    v_settled jsonb;
    v_cancelled int8multirange;
BEGIN
    SELECT s.result INTO v_settled FROM bets.market m JOIN bets.settlement s ON s.result_key = m.settled_by
    WHERE m.fixture_id = p_fixture_id AND m.market_id = p_market_id AND s.provider_id <> p_provider_id;
    -- What others cancelled, less what was rolled back since.
    SELECT coalesce(range_agg(others.bounds), '{}') INTO v_cancelled FROM (
        SELECT bets.window_in(c.result) - coalesce((
            SELECT range_agg(bets.window_in(u.result)) FROM bets.settlement u
            WHERE u.fixture_id = c.fixture_id AND u.market_id = c.market_id AND u.kind = 4
                AND u.begun_time_us >= c.begun_time_us
        ), '{}') AS bounds
        FROM bets.settlement c
        WHERE c.fixture_id = p_fixture_id AND c.market_id = p_market_id AND c.kind = 3 AND NOT c.is_echo
            AND c.provider_id <> p_provider_id
    ) AS others;
    RETURN CASE
        WHEN p_kind = 1 AND v_settled IS NOT NULL THEN
            CASE WHEN bets.is_said_by(p_result, v_settled) THEN 'said' ELSE 'contradicts' END
        WHEN p_kind = 1 AND upper_inf(v_cancelled) THEN 'contradicts'
        WHEN p_kind IN (2, 3) AND v_settled IS NOT NULL THEN 'contradicts'
        WHEN p_kind = 3 AND v_cancelled @> v_window AND NOT isempty(v_window) THEN 'said'
        WHEN p_kind = 3 AND NOT isempty(v_cancelled) THEN 'contradicts'
        WHEN p_kind = 4 AND v_cancelled && v_window THEN 'contradicts'
        ELSE 'new'
    END;
END
$$;

DROP FUNCTION bets.open_settlement(text, text, text, smallint, jsonb, bigint, bigint);

-- Begin a result, or go on with it: alone on its market, whose standing it sets, until the transaction ends. The
-- verdict is 'go', or why nothing may be done: it was 'complete' or dropped before, 'changed' since it came first, it
-- 'contradicts' another provider, or it 'waits' behind a result of its fixture. One that has left the queue does not
-- wait, and one that a person decided contradicts nobody.
CREATE FUNCTION bets.open_settlement(
    p_result_key text, p_provider_id text, p_fixture_id text, p_market_id text, p_kind smallint, p_result jsonb,
    p_digest bytea, p_has_left_queue boolean, p_is_decided boolean
) RETURNS TABLE (verdict text, last_bet_id uuid) LANGUAGE plpgsql AS $$
DECLARE
    v_window int8multirange := bets.window_in(p_result);
    v_standing bets.settlement;
    v_comparison text;
BEGIN
    PERFORM pg_advisory_xact_lock(bets.market_lock_key(p_fixture_id, p_market_id));
    SELECT * INTO v_standing FROM bets.settlement s WHERE s.result_key = p_result_key FOR UPDATE;
    IF v_standing.digest <> p_digest OR v_standing.fixture_id <> p_fixture_id THEN
        RETURN QUERY SELECT 'changed', NULL::uuid;
        RETURN;
    ELSIF v_standing.is_complete OR EXISTS (
        SELECT FROM bets.parked_result p WHERE p.result_key = p_result_key AND p.state = 'dropped'
    ) THEN
        RETURN QUERY SELECT 'complete', NULL::uuid;
        RETURN;
    ELSIF NOT p_has_left_queue AND EXISTS (
        SELECT FROM bets.parked_result p WHERE p.fixture_id = p_fixture_id AND p.state IN ('held', 'due')
            AND (p.holds_queue OR p.result_key = p_result_key)
    ) THEN
        RETURN QUERY SELECT 'waits', NULL::uuid;
        RETURN;
    ELSIF v_standing.result_key IS NOT NULL THEN
        RETURN QUERY SELECT 'go', v_standing.last_bet_id;
        RETURN;
    END IF;
    v_comparison := CASE WHEN p_is_decided THEN 'new'
        ELSE bets.compare_result(p_provider_id, p_fixture_id, p_market_id, p_kind, p_result) END;
    IF v_comparison = 'contradicts' THEN
        RETURN QUERY SELECT v_comparison, NULL::uuid;
        RETURN;
    END IF;
    INSERT INTO bets.settlement AS s (
        result_key, provider_id, fixture_id, market_id, kind, result, digest, is_echo, is_complete,
        completed_time_us
    ) VALUES (
        p_result_key, p_provider_id, p_fixture_id, p_market_id, p_kind, p_result, p_digest, v_comparison = 'said',
        v_comparison = 'said', CASE v_comparison WHEN 'said' THEN ledger.now_us() END
    ) RETURNING * INTO v_standing;
    IF v_comparison = 'said' THEN
        RETURN QUERY SELECT 'complete', NULL::uuid;
        RETURN;
    END IF;
    INSERT INTO bets.market AS m (fixture_id, market_id, settled_by, cancelled_us)
    VALUES (
        p_fixture_id, p_market_id, CASE p_kind WHEN 1 THEN p_result_key END,
        CASE p_kind WHEN 3 THEN v_window ELSE '{}' END
    )
    ON CONFLICT (fixture_id, market_id) DO UPDATE SET
        settled_by = CASE p_kind WHEN 1 THEN p_result_key WHEN 2 THEN NULL ELSE m.settled_by END,
        cancelled_us = CASE p_kind
            WHEN 3 THEN m.cancelled_us + v_window WHEN 4 THEN m.cancelled_us - v_window ELSE m.cancelled_us END;
    RETURN QUERY SELECT 'go', v_standing.last_bet_id;
END
$$;

-- Apply a settlement or a cancellation at once to bets on which nothing stands, whose owners owe nothing; rows and
-- accounts are locked. What apply_result does to one bet, this does to all of them in a few statements.
CREATE FUNCTION bets.apply_to_fresh(
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

-- Apply a result to a page of bets whose rows the caller has locked, and remember how far it came.
CREATE OR REPLACE FUNCTION bets.settle_page(
    p_result_key text, p_kind smallint, p_bet_ids uuid[], p_returns_minor bigint[], p_result_statuses smallint[],
    p_last_bet_id uuid, p_is_complete boolean
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_now_us bigint;
    v_fresh boolean[];
    v_applied bigint;
BEGIN
    PERFORM FROM ledger.account a WHERE a.account_id IN (
        SELECT own.account_id FROM bets.bet b JOIN ledger.account own ON own.owner_id = b.player_id
        WHERE b.bet_id = ANY (p_bet_ids) AND own.kind IN ('cash', 'receivable')
    ) ORDER BY a.account_id FOR UPDATE;
    v_now_us := ledger.now_us();
    -- One bet that has to be looked at alone takes the others of its account with it: they are done in order.
    SELECT array_agg(page.is_fresh ORDER BY page.place) INTO v_fresh FROM (
        SELECT p.place, bool_and(coalesce(
            p_kind IN (1, 3) AND b.result_status IS NULL AND NOT b.is_cancelled AND owed.posted_minor = 0, false
        )) OVER (PARTITION BY b.account_id) AS is_fresh
        FROM unnest(p_bet_ids) WITH ORDINALITY AS p (bet_id, place) LEFT JOIN bets.bet b USING (bet_id)
        LEFT JOIN ledger.account owed
            ON owed.owner_id = b.player_id AND owed.kind = 'receivable' AND owed.currency = b.currency
    ) AS page;
    PERFORM bets.apply_to_fresh(
        p_kind, array_agg(p.bet_id), array_agg(p.return_minor), array_agg(p.result_status), p_result_key, v_now_us
    ) FROM unnest(p_bet_ids, p_returns_minor, p_result_statuses, v_fresh)
        AS p (bet_id, return_minor, result_status, is_fresh)
    WHERE p.is_fresh HAVING count(*) > 0;
    SELECT count(*) FILTER (
        WHERE p.is_fresh
            OR bets.apply_result(p.bet_id, p_kind, p.return_minor, p.result_status, p_result_key, v_now_us)
    ) INTO v_applied
    FROM unnest(p_bet_ids, p_returns_minor, p_result_statuses, v_fresh)
        AS p (bet_id, return_minor, result_status, is_fresh);
    -- What a result could not do to a bet before, this one of its kind has overtaken.
    UPDATE bets.unsettled u SET state = 'superseded'
    WHERE u.bet_id = ANY (p_bet_ids) AND u.state = 'held' AND (u.kind <= 2) = (p_kind <= 2);
    UPDATE bets.settlement SET last_bet_id = coalesce(p_last_bet_id, last_bet_id),
        applied_count = applied_count + v_applied, is_complete = p_is_complete,
        completed_time_us = CASE WHEN p_is_complete THEN v_now_us END
    WHERE result_key = p_result_key;
    RETURN v_applied;
END
$$;

-- Leave a bet out of its page, and go on behind it.
CREATE FUNCTION bets.set_aside(
    p_result_key text, p_kind smallint, p_bet_id uuid, p_return_minor bigint, p_result_status smallint, p_reason text,
    p_detail text
) RETURNS void LANGUAGE sql AS $$
    UPDATE bets.unsettled u SET state = 'superseded'
    WHERE u.bet_id = p_bet_id AND u.state = 'held' AND (u.kind <= 2) = (p_kind <= 2);
    INSERT INTO bets.unsettled (bet_id, result_key, kind, return_minor, result_status, reason, detail)
    VALUES (p_bet_id, p_result_key, p_kind, p_return_minor, p_result_status, p_reason, p_detail);
    UPDATE bets.settlement SET last_bet_id = p_bet_id WHERE result_key = p_result_key
$$;

-- Apply to a bet that was left out what its results make of it; how many of them, that there still are.
CREATE FUNCTION bets.redo_unsettled(p_bet_id uuid, p_reason text, p_decided_by text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_now_us bigint;
    v_count bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(bets.market_lock_key(m.fixture_id, m.market_id)) FROM (
        SELECT DISTINCT l.fixture_id, l.market_id FROM bets.leg l WHERE l.bet_id = p_bet_id ORDER BY 1, 2 OFFSET 0
    ) AS m;
    PERFORM FROM bets.bet b WHERE b.bet_id = p_bet_id FOR UPDATE;
    PERFORM FROM ledger.account a WHERE a.account_id IN (
        SELECT own.account_id FROM bets.bet b JOIN ledger.account own ON own.owner_id = b.player_id
        WHERE b.bet_id = p_bet_id AND own.kind IN ('cash', 'receivable')
    ) ORDER BY a.account_id FOR UPDATE;
    v_now_us := ledger.now_us();
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

-- Leave a bet as it stands for good; how many results that gives up.
CREATE FUNCTION bets.drop_unsettled(p_bet_id uuid, p_reason text, p_decided_by text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint;
BEGIN
    UPDATE bets.unsettled u SET state = 'dropped' WHERE u.bet_id = p_bet_id AND u.state = 'held';
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count > 0 THEN
        INSERT INTO bets.result_decision (bet_id, decision, reason, decided_by)
        VALUES (p_bet_id, 'drop', p_reason, p_decided_by);
    END IF;
    RETURN v_count;
END
$$;

-- Say what becomes of a parked result: redo it, which settlement does in its turn, or drop it. Returns what is wrong
-- with that, null for nothing: 'unknown' or 'ended', or 'outdated' by a newer result of the same provider that is
-- applied already, which only dropping leaves as it is.
CREATE FUNCTION bets.decide_parked(p_parked_id bigint, p_decision text, p_reason text, p_decided_by text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    v_parked bets.parked_result;
BEGIN
    SELECT * INTO v_parked FROM bets.parked_result p WHERE p.parked_id = p_parked_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'unknown';
    ELSIF v_parked.state IN ('applied', 'dropped') THEN
        RETURN 'ended';
    ELSIF p_decision = 'redo' AND EXISTS (
        SELECT FROM bets.settlement s
        WHERE s.fixture_id = v_parked.fixture_id AND s.market_id = v_parked.market_id
            AND s.provider_id = v_parked.provider_id AND s.begun_time_us > v_parked.parked_time_us
            AND (s.kind <= 2) = (v_parked.kind <= 2) AND s.result_key <> v_parked.result_key AND NOT s.is_echo
    ) THEN
        RETURN 'outdated';
    END IF;
    UPDATE bets.parked_result p SET
        state = CASE p_decision WHEN 'redo' THEN 'due' ELSE 'dropped' END,
        is_decided = p_decision = 'redo',
        ended_time_us = CASE p_decision WHEN 'drop' THEN ledger.now_us() END
    WHERE p.parked_id = p_parked_id;
    INSERT INTO bets.result_decision (parked_id, decision, reason, decided_by)
    VALUES (p_parked_id, p_decision, p_reason, p_decided_by);
    RETURN NULL;
END
$$;
