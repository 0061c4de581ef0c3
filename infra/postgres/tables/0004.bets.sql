-- depends: 0002.players

CREATE SCHEMA bets;

-- status: 1 open, 2 settled, 3 void. What stands beside the status: the return by the standing settlement (null for
-- none) with the status it gives, whether a cancellation stands, and the transfer that credited the player last.
CREATE TABLE bets.bet (
    bet_id uuid PRIMARY KEY,
    player_id uuid NOT NULL,
    request_id uuid NOT NULL,
    account_id bigint NOT NULL,
    stake_minor bigint NOT NULL CHECK (stake_minor > 0),
    currency text NOT NULL,
    potential_return_minor bigint NOT NULL CHECK (potential_return_minor >= stake_minor),
    placed_time_us bigint NOT NULL,
    status smallint NOT NULL DEFAULT 1 CHECK (status IN (1, 2, 3)),
    return_minor bigint NOT NULL DEFAULT 0 CHECK (return_minor >= 0),
    settled_time_us bigint,
    event_count integer NOT NULL DEFAULT 1,
    result_return_minor bigint CHECK (result_return_minor >= 0),
    result_status smallint CHECK (result_status IN (2, 3)),
    is_cancelled boolean NOT NULL DEFAULT false,
    credit_row_id bigint,
    CONSTRAINT bet_open_unpaid CHECK (status <> 1 OR (return_minor = 0 AND settled_time_us IS NULL)),
    CONSTRAINT bet_result_whole CHECK ((result_return_minor IS NULL) = (result_status IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX bet_of_player ON bets.bet (player_id, placed_time_us DESC, bet_id DESC);
CREATE INDEX bet_open ON bets.bet (bet_id) WHERE status = 1;

CREATE TABLE bets.leg (
    bet_id uuid NOT NULL,
    leg smallint NOT NULL,
    fixture_id text NOT NULL,
    market_id text NOT NULL,
    outcome_id text NOT NULL,
    decimal_odds_milli integer NOT NULL CHECK (decimal_odds_milli >= 1000),
    book_version bigint NOT NULL,
    is_in_play boolean NOT NULL,
    fixture_name text NOT NULL,
    PRIMARY KEY (bet_id, leg)
);
CREATE INDEX leg_of_market ON bets.leg (fixture_id, market_id, bet_id);
CREATE TRIGGER leg_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bets.leg
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- What happened to a bet, numbered from 0 without a gap, with the status and return that it left behind.
-- kind: 1 accepted, 2 settled, 3 settlement rolled back, 4 voided, 5 void rolled back.
CREATE TABLE bets.event (
    bet_id uuid NOT NULL,
    sequence integer NOT NULL CHECK (sequence >= 0),
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 5),
    time_us bigint NOT NULL,
    amount_minor bigint NOT NULL,
    status smallint NOT NULL,
    return_minor bigint NOT NULL,
    result_key text,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (bet_id, sequence)
);
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bets.event
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- Whether a result stands on a market: then no bet on it is taken any more.
CREATE TABLE bets.market (
    fixture_id text NOT NULL,
    market_id text NOT NULL,
    is_settled boolean NOT NULL DEFAULT false,
    is_cancelled boolean NOT NULL DEFAULT false,
    PRIMARY KEY (fixture_id, market_id)
);

-- Bets on a market share this lock; a result takes it alone. So no bet slips in behind the page that settles it.
CREATE FUNCTION bets.market_lock_key(p_fixture_id text, p_market_id text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT hashtextextended('bets.market:' || p_fixture_id || chr(31) || p_market_id, 0)
$$;

-- Take a batch of bets, or give the answers that their commands got before. Arrays run by command; those of legs by
-- leg, with the number of its command, from 1, in p_leg_commands. A refusal given with a command is only stored.
--
-- Locks are taken in one order everywhere, so that batches never deadlock: markets by key, commands by key, accounts by
-- id. Two bets of one account in a batch are decided in the order given.
CREATE FUNCTION bets.place(
    p_player_ids uuid[], p_request_ids uuid[], p_account_ids bigint[], p_fingerprints bytea[], p_bet_ids uuid[],
    p_stakes_minor bigint[], p_currencies text[], p_potential_returns_minor bigint[], p_refusals text[],
    p_leg_commands integer[], p_leg_indexes smallint[], p_fixture_ids text[], p_market_ids text[], p_outcome_ids text[],
    p_decimal_odds_milli integer[], p_book_versions bigint[], p_are_in_play boolean[], p_fixture_names text[]
) RETURNS TABLE (command_number integer, is_same boolean, is_replay boolean, answer text) LANGUAGE plpgsql AS $$
DECLARE
    v_keys text[];
    v_new integer[];
    v_decided integer[] := '{}';
    v_answers jsonb[] := '{}';
    v_taken integer[] := '{}';
    v_versions bigint[] := '{}';
    v_account_id bigint;
    v_available_minor bigint;
    v_version bigint;
    v_refusal jsonb;
    v_now_us bigint;
    v_count bigint;
    v_row record;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(market.lock_key) FROM (
        SELECT DISTINCT bets.market_lock_key(fixture_id, market_id) AS lock_key
        FROM unnest(p_fixture_ids, p_market_ids) AS l (fixture_id, market_id) ORDER BY 1 OFFSET 0
    ) AS market;

    SELECT array_agg(a.player_id || ':' || a.request_id ORDER BY a.n) INTO v_keys
    FROM unnest(p_player_ids, p_request_ids) WITH ORDINALITY AS a (player_id, request_id, n);

    WITH asked AS (
        SELECT DISTINCT ON (a.key) a.n::integer AS n, a.key, a.fingerprint
        FROM unnest(v_keys, p_fingerprints) WITH ORDINALITY AS a (key, fingerprint, n) ORDER BY a.key, a.n
    ), inserted AS (
        INSERT INTO ledger.command AS c (provider, key, fingerprint)
        SELECT 'bets', asked.key, asked.fingerprint FROM asked ORDER BY asked.key
        ON CONFLICT DO NOTHING RETURNING c.key
    )
    SELECT coalesce(array_agg(asked.n ORDER BY asked.n), '{}') INTO v_new FROM inserted JOIN asked USING (key);

    PERFORM FROM ledger.account a
    WHERE a.account_id IN (SELECT p_account_ids[n] FROM unnest(v_new) AS n) ORDER BY a.account_id FOR UPDATE;
    v_now_us := ledger.now_us();

    FOR v_row IN
        SELECT n.n, a.account_id, a.owner_id, a.currency, a.posted_minor - a.held_minor AS available_minor,
            a.held_minor, a.version, p_stakes_minor[n.n] AS stake_minor, closed.market_id AS closed_market_id
        FROM unnest(v_new) AS n (n)
        LEFT JOIN ledger.account a ON a.account_id = p_account_ids[n.n] AND a.kind = 'cash'
        LEFT JOIN LATERAL (
            SELECT m.market_id FROM unnest(p_leg_commands, p_fixture_ids, p_market_ids) AS l (n, fixture_id, market_id)
            JOIN bets.market m USING (fixture_id, market_id)
            WHERE l.n = n.n AND (m.is_settled OR m.is_cancelled) LIMIT 1
        ) AS closed ON true
        ORDER BY a.account_id, n.n
    LOOP
        IF v_row.owner_id IS DISTINCT FROM p_player_ids[v_row.n] THEN
            RAISE EXCEPTION 'Account % must be the cash account of player %',
                p_account_ids[v_row.n], p_player_ids[v_row.n] USING ERRCODE = 'foreign_key_violation';
        END IF;
        IF v_account_id IS DISTINCT FROM v_row.account_id THEN
            v_account_id := v_row.account_id;
            v_available_minor := v_row.available_minor;
            v_version := v_row.version;
        END IF;
        v_refusal := CASE
            WHEN p_refusals[v_row.n] IS NOT NULL THEN p_refusals[v_row.n]::jsonb
            WHEN v_row.currency <> p_currencies[v_row.n] THEN jsonb_build_object(
                'reason', 'CURRENCY_MISMATCH',
                'message', format('Stake must be in %s, was in %s', v_row.currency, p_currencies[v_row.n]))
            WHEN v_row.closed_market_id IS NOT NULL THEN jsonb_build_object(
                'reason', 'MARKET_CLOSED',
                'message', format('Market %s must be without a result, had one', v_row.closed_market_id))
            WHEN v_row.stake_minor > v_available_minor THEN jsonb_build_object(
                'reason', 'INSUFFICIENT_FUNDS', 'stake_max_minor', v_available_minor,
                'message', format('Stake must be at most %s, was %s', v_available_minor, v_row.stake_minor))
        END;
        v_decided := v_decided || v_row.n;
        IF v_refusal IS NOT NULL THEN
            v_answers := v_answers || jsonb_build_object('refusal', v_refusal);
        ELSE
            v_available_minor := v_available_minor - v_row.stake_minor;
            v_version := v_version + 1;
            v_taken := v_taken || v_row.n;
            v_versions := v_versions || v_version;
            v_answers := v_answers || jsonb_build_object(
                'bet_id', p_bet_ids[v_row.n], 'placed_time_us', v_now_us,
                'balance', jsonb_build_object(
                    'available_minor', v_available_minor, 'held_minor', v_row.held_minor, 'currency', v_row.currency,
                    'account_version', v_version));
        END IF;
    END LOOP;

    IF cardinality(v_taken) > 0 THEN
        UPDATE ledger.account a SET posted_minor = a.posted_minor - s.stake_minor, version = a.version + s.bet_count
        FROM (
            SELECT p_account_ids[n] AS account_id, sum(p_stakes_minor[n])::bigint AS stake_minor, count(*) AS bet_count
            FROM unnest(v_taken) AS n GROUP BY 1
        ) AS s WHERE a.account_id = s.account_id;

        INSERT INTO bets.bet (
            bet_id, player_id, request_id, account_id, stake_minor, currency, potential_return_minor, placed_time_us
        )
        SELECT p_bet_ids[n], p_player_ids[n], p_request_ids[n], p_account_ids[n], p_stakes_minor[n], p_currencies[n],
            p_potential_returns_minor[n], v_now_us
        FROM unnest(v_taken) AS n;

        INSERT INTO bets.leg (
            bet_id, leg, fixture_id, market_id, outcome_id, decimal_odds_milli, book_version, is_in_play, fixture_name
        )
        SELECT p_bet_ids[l.n], l.leg, l.fixture_id, l.market_id, l.outcome_id, l.decimal_odds_milli, l.book_version,
            l.is_in_play, l.fixture_name
        FROM unnest(p_leg_commands, p_leg_indexes, p_fixture_ids, p_market_ids, p_outcome_ids, p_decimal_odds_milli,
            p_book_versions, p_are_in_play, p_fixture_names)
            AS l (n, leg, fixture_id, market_id, outcome_id, decimal_odds_milli, book_version, is_in_play, fixture_name)
        WHERE l.n = ANY (v_taken);

        INSERT INTO bets.event (bet_id, sequence, kind, time_us, amount_minor, status, return_minor)
        SELECT p_bet_ids[n], 0, 1, v_now_us, -p_stakes_minor[n], 1, 0 FROM unnest(v_taken) AS n;

        INSERT INTO ledger.outbox (kind, subject_id, event_sequence, time_us)
        SELECT 1, p_bet_ids[n], 0, v_now_us FROM unnest(v_taken) AS n;

        INSERT INTO ledger.outbox (kind, subject_id, event_sequence, leg, time_us)
        SELECT 2, p_bet_ids[l.n], 0, l.leg, v_now_us FROM unnest(p_leg_commands, p_leg_indexes) AS l (n, leg)
        WHERE l.n = ANY (v_taken);

        WITH posted AS (
            INSERT INTO ledger.transfer (
                provider, key, leg, kind, debit_account_id, credit_account_id, amount_minor, currency, debit_version,
                subject_id, time_us
            )
            SELECT 'bets', v_keys[t.n], 0, 'stake', p_account_ids[t.n], house.account_id, p_stakes_minor[t.n],
                house.currency, t.version, p_bet_ids[t.n], v_now_us
            FROM unnest(v_taken, v_versions) WITH ORDINALITY AS t (n, version, place)
            JOIN ledger.account house
                ON house.owner_id IS NULL AND house.kind = 'stakes' AND house.currency = p_currencies[t.n]
            ORDER BY t.place
            RETURNING row_id
        )
        INSERT INTO ledger.outbox (kind, transfer_row_id, time_us)
        SELECT 3, posted.row_id, v_now_us FROM posted ORDER BY posted.row_id;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count <> cardinality(v_taken) THEN
            RAISE EXCEPTION '% bets must have as many stakes, had %', cardinality(v_taken), v_count
                USING ERRCODE = 'data_exception';
        END IF;
    END IF;

    UPDATE ledger.command c SET answer = d.answer
    FROM unnest(v_decided, v_answers) AS d (n, answer) WHERE c.provider = 'bets' AND c.key = v_keys[d.n];

    RETURN QUERY SELECT asked.n::integer, c.fingerprint = asked.fingerprint, asked.n <> ALL (v_new), c.answer::text
        FROM unnest(v_keys, p_fingerprints) WITH ORDINALITY AS asked (key, fingerprint, n)
        JOIN ledger.command c ON c.provider = 'bets' AND c.key = asked.key;
END
$$;
