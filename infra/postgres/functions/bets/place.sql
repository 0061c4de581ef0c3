-- Take a batch of bets of one leg, or give the answers that their commands got before. Arrays run by command; those of
-- legs by leg, with the number of its command, from 1, in p_leg_commands. A refusal given with a command is only stored.
--
-- state: 1 decided, 2 left alone because its account or market is held by others, 3 come too late, 4 to be refused, but
-- so many refusals of the player are stored already, 5 claimed with another content. But for 1 nothing is stored. What is decided ends the claim of its command: a claimed bet has the means, and is not asked for
-- them again; a claim whose time is over counts for nothing.
--
-- What a player has open on a market, and whether a market is closed, are read within the one statement that reads all
-- else of a batch: a function that holds a query is planned anew at every call.
--
-- Nothing is waited for: what others hold is left alone, and those who ask try again, so that nobody waits behind what
-- another waits for. Commands of one key are of one account, which orders them. Two bets of one account in a batch are
-- decided in the order given.
CREATE OR REPLACE FUNCTION bets.place(
    p_player_ids uuid[], p_request_ids uuid[], p_account_ids bigint[], p_fingerprints bytea[], p_bet_ids uuid[],
    p_stakes_minor bigint[], p_currencies text[], p_potential_returns_minor bigint[], p_refusals text[],
    p_stakes_minor_min bigint[], p_stakes_minor_max bigint[], p_market_stakes_minor_max bigint[],
    p_not_after_us bigint[],
    p_leg_commands integer[], p_leg_indexes smallint[], p_fixture_ids text[], p_market_ids text[], p_outcome_ids text[],
    p_decimal_odds_milli integer[], p_book_versions bigint[], p_are_in_play boolean[], p_fixture_names text[],
    p_refusals_max integer
) RETURNS TABLE (command_number integer, state smallint, is_same boolean, is_replay boolean, answer text)
LANGUAGE plpgsql AS $$
DECLARE
    v_keys text[];
    v_market_locks bigint[];
    v_accounts bigint[];
    v_has_holds boolean;
    v_ready integer[];
    v_new integer[];
    v_decided integer[] := '{}';
    v_answers jsonb[] := '{}';
    v_late_keys text[] := '{}';
    v_reused_keys text[] := '{}';
    v_taken integer[] := '{}';
    v_versions bigint[] := '{}';
    v_ended uuid[] := '{}';
    v_posted_minor bigint[] := '{}';
    v_moved_fixture_ids text[] := '{}';
    v_moved_market_ids text[] := '{}';
    v_moved_minor bigint[] := '{}';
    v_account_id bigint;
    v_available_minor bigint;
    v_held_minor bigint;
    v_version bigint;
    v_first_moved integer;
    v_refusals integer;
    v_room_minor bigint;
    v_refusal jsonb;
    v_now_us bigint;
    v_hour bigint;
    v_count bigint;
    v_row record;
BEGIN
    IF EXISTS (
        SELECT FROM unnest(p_player_ids, p_account_ids) AS a (player_id, account_id)
        WHERE NOT EXISTS (
            SELECT FROM ledger.account own JOIN pam.player p ON p.player_id = own.owner_id
            WHERE own.account_id = a.account_id AND own.owner_id = a.player_id AND own.kind = 'cash')
    ) THEN
        RAISE EXCEPTION 'Every account must be the cash account of its player' USING ERRCODE = 'foreign_key_violation';
    END IF;

    SELECT array_agg(a.player_id || ':' || a.request_id ORDER BY a.n) INTO v_keys
    FROM unnest(p_player_ids, p_request_ids) WITH ORDINALITY AS a (player_id, request_id, n);

    SELECT array_agg(market.lock_key) FILTER (WHERE market.is_locked) INTO v_market_locks FROM (
        SELECT lock_key, pg_try_advisory_xact_lock_shared(lock_key) AS is_locked FROM (
            SELECT DISTINCT bets.market_lock_key(fixture_id, market_id) AS lock_key
            FROM unnest(p_fixture_ids, p_market_ids) AS l (fixture_id, market_id) OFFSET 0
        ) AS wanted OFFSET 0
    ) AS market;
    SELECT array_agg(locked.account_id), bool_or(locked.held_minor > 0) INTO v_accounts, v_has_holds FROM (
        SELECT a.account_id, a.held_minor FROM ledger.account a WHERE a.account_id = ANY (p_account_ids)
        ORDER BY a.account_id FOR UPDATE SKIP LOCKED
    ) AS locked;
    v_now_us := ledger.now_us();
    v_hour := v_now_us / 3600000000;
    IF v_has_holds THEN
        PERFORM ledger.expire_holds(v_accounts, v_now_us);
    END IF;

    SELECT coalesce(array_agg(a.n::integer), '{}') INTO v_ready
    FROM unnest(p_account_ids) WITH ORDINALITY AS a (account_id, n)
    LEFT JOIN unnest(p_leg_commands, p_fixture_ids, p_market_ids) AS l (n, fixture_id, market_id) ON l.n = a.n
    WHERE a.account_id = ANY (v_accounts)
        AND (l.n IS NULL OR bets.market_lock_key(l.fixture_id, l.market_id) = ANY (v_market_locks));

    SELECT coalesce(array_agg(first.n), '{}') INTO v_new FROM (
        SELECT DISTINCT ON (v_keys[ready.n]) ready.n FROM unnest(v_ready) AS ready (n) ORDER BY v_keys[ready.n], ready.n
    ) AS first
    WHERE NOT EXISTS (SELECT FROM ledger.command c WHERE c.provider = 'bets' AND c.key = v_keys[first.n]);

    FOR v_row IN
        WITH market AS MATERIALIZED (
            SELECT m.fixture_id, m.market_id, bets.market_is_closed(m.fixture_id, m.market_id, v_now_us) AS is_closed
            FROM (SELECT DISTINCT * FROM unnest(p_fixture_ids, p_market_ids)) AS m (fixture_id, market_id)
        )
        SELECT n.n, a.account_id, a.currency, a.posted_minor - a.held_minor AS available_minor, a.held_minor, a.version,
            p_stakes_minor[n.n] AS stake_minor, p_stakes_minor_min[n.n] AS stake_minor_min,
            p_stakes_minor_max[n.n] AS stake_minor_max, p_market_stakes_minor_max[n.n] AS market_stake_minor_max,
            p_not_after_us[n.n] AS not_after_us, l.fixture_id, l.market_id,
            pam.refusal_of(p.role, p.status) AS player_refusal,
            coalesce(market.is_closed, false) AS is_closed, own.hold_id,
            own.amount_minor AS claimed_minor, own.fingerprint AS claimed_fingerprint,
            own.fixture_id AS claimed_fixture_id, own.market_id AS claimed_market_id,
            coalesce(staked.minor, 0) + coalesce(claimed.minor, 0) AS open_minor, coalesce(r.refusals, 0) AS refusals
        FROM unnest(v_new) AS n (n)
        JOIN ledger.account a ON a.account_id = p_account_ids[n.n]
        JOIN pam.player p ON p.player_id = a.owner_id
        LEFT JOIN unnest(p_leg_commands, p_fixture_ids, p_market_ids) AS l (n, fixture_id, market_id) ON l.n = n.n
        LEFT JOIN market ON market.fixture_id = l.fixture_id AND market.market_id = l.market_id
        LEFT JOIN LATERAL (
            SELECT sum(b.stake_minor)::bigint AS minor FROM bets.bet b JOIN bets.leg ON leg.bet_id = b.bet_id
            WHERE p_market_stakes_minor_max[n.n] IS NOT NULL AND b.player_id = p.player_id AND b.status = 1
                AND leg.fixture_id = l.fixture_id AND leg.market_id = l.market_id
        ) AS staked ON true
        LEFT JOIN LATERAL (
            SELECT h.hold_id, h.amount_minor, h.fingerprint, c.fixture_id, c.market_id
            FROM ledger.hold h JOIN bets.claimed_market c USING (hold_id)
            WHERE v_has_holds AND h.provider = 'bets' AND h.key = v_keys[n.n] AND h.state = 'pending'
        ) AS own ON true
        LEFT JOIN LATERAL (
            SELECT sum(h.amount_minor)::bigint AS minor FROM ledger.hold h JOIN bets.claimed_market c USING (hold_id)
            WHERE v_has_holds AND h.account_id = a.account_id AND h.state = 'pending'
                AND h.hold_id IS DISTINCT FROM own.hold_id
                AND c.fixture_id = l.fixture_id AND c.market_id = l.market_id
        ) AS claimed ON true
        LEFT JOIN bets.refusal_count r ON r.player_id = p.player_id AND r.hour = v_hour
        ORDER BY a.account_id, n.n
    LOOP
        IF v_account_id IS DISTINCT FROM v_row.account_id THEN
            v_account_id := v_row.account_id;
            v_available_minor := v_row.available_minor;
            v_held_minor := v_row.held_minor;
            v_version := v_row.version;
            v_refusals := v_row.refusals;
            v_first_moved := cardinality(v_moved_minor) + 1;
        END IF;
        IF v_row.not_after_us < v_now_us THEN
            v_late_keys := v_late_keys || v_keys[v_row.n];
            CONTINUE;
        END IF;
        IF v_row.claimed_fingerprint <> p_fingerprints[v_row.n] THEN
            v_reused_keys := v_reused_keys || v_keys[v_row.n];
            CONTINUE;
        END IF;
        v_room_minor := CASE WHEN v_row.market_stake_minor_max IS NOT NULL
            THEN greatest(0, v_row.market_stake_minor_max - v_row.open_minor - (
                SELECT coalesce(sum(moved.minor), 0)
                FROM unnest(
                    v_moved_fixture_ids[v_first_moved:], v_moved_market_ids[v_first_moved:],
                    v_moved_minor[v_first_moved:]
                ) AS moved (fixture_id, market_id, minor)
                WHERE moved.fixture_id = v_row.fixture_id AND moved.market_id = v_row.market_id)) END;
        v_refusal := CASE
            WHEN p_refusals[v_row.n] IS NOT NULL THEN p_refusals[v_row.n]::jsonb
            WHEN v_row.player_refusal IS NOT NULL THEN bets.refuse(
                v_row.player_refusal, CASE v_row.player_refusal
                    WHEN 'PLAYER_BLOCKED' THEN 'Player must not be blocked, is: ask whoever runs this place'
                    ELSE 'Bets must come from a bettor, came from another'
                END, NULL, NULL)
            WHEN v_row.currency <> p_currencies[v_row.n] THEN bets.refuse(
                'CURRENCY_MISMATCH', format('Stake must be in %s, was in %s', v_row.currency, p_currencies[v_row.n]),
                NULL, NULL)
            WHEN v_row.is_closed THEN bets.refuse(
                'MARKET_CLOSED', format('Market %s must be without a result, had one', v_row.market_id), NULL, NULL)
            WHEN v_row.hold_id IS NULL AND v_row.stake_minor > v_room_minor THEN bets.refuse(
                'PLAYER_STAKE_LIMIT_EXCEEDED',
                format('Stakes of a player on %s must be at most %s together, %s is open', v_row.market_id,
                    ledger.amount_words(v_row.market_stake_minor_max, v_row.currency),
                    ledger.amount_words(v_row.market_stake_minor_max - v_room_minor, v_row.currency)),
                least(v_room_minor, v_row.stake_minor_max), v_row.stake_minor_min)
            WHEN v_row.hold_id IS NULL AND v_row.stake_minor > v_available_minor THEN bets.refuse(
                'INSUFFICIENT_FUNDS',
                format('Stake must be at most %s, was %s', ledger.amount_words(v_available_minor, v_row.currency),
                    ledger.amount_words(v_row.stake_minor, v_row.currency)),
                least(v_available_minor, v_room_minor, v_row.stake_minor_max), v_row.stake_minor_min)
        END;
        IF v_row.hold_id IS NOT NULL THEN
            v_available_minor := v_available_minor + v_row.claimed_minor;
            v_held_minor := v_held_minor - v_row.claimed_minor;
            v_ended := v_ended || v_row.hold_id;
            v_posted_minor := v_posted_minor || CASE WHEN v_refusal IS NULL THEN v_row.claimed_minor ELSE 0 END;
        END IF;
        -- What the market has of the player changes where a claim becomes no bet, or a bet had no claim.
        IF (v_refusal IS NULL) <> (v_row.hold_id IS NOT NULL) THEN
            v_moved_fixture_ids := v_moved_fixture_ids || coalesce(v_row.claimed_fixture_id, v_row.fixture_id);
            v_moved_market_ids := v_moved_market_ids || coalesce(v_row.claimed_market_id, v_row.market_id);
            v_moved_minor := v_moved_minor
                || CASE WHEN v_refusal IS NULL THEN v_row.stake_minor ELSE -v_row.claimed_minor END;
        END IF;
        IF v_refusal IS NOT NULL THEN
            CONTINUE WHEN v_refusals >= p_refusals_max;
            v_refusals := v_refusals + 1;
            v_answers := v_answers || jsonb_build_object('refusal', v_refusal);
            INSERT INTO bets.refusal_count AS r (player_id, hour, refusals)
            VALUES (p_player_ids[v_row.n], v_hour, 1)
            ON CONFLICT (player_id) DO UPDATE SET hour = v_hour, refusals = v_refusals;
        ELSE
            v_available_minor := v_available_minor - v_row.stake_minor;
            v_version := v_version + 1;
            v_taken := v_taken || v_row.n;
            v_versions := v_versions || v_version;
            v_answers := v_answers || jsonb_build_object(
                'bet_id', p_bet_ids[v_row.n], 'placed_time_us', v_now_us,
                'balance', jsonb_build_object(
                    'available_minor', v_available_minor, 'held_minor', v_held_minor, 'currency', v_row.currency,
                    'account_version', v_version));
        END IF;
        v_decided := v_decided || v_row.n;
    END LOOP;

    INSERT INTO ledger.command (provider, key, fingerprint, answer)
    SELECT 'bets', v_keys[d.n], p_fingerprints[d.n], d.answer FROM unnest(v_decided, v_answers) AS d (n, answer)
    ORDER BY v_keys[d.n];

    IF cardinality(v_ended) > 0 THEN
        PERFORM ledger.end_holds(v_ended, v_posted_minor, v_now_us);
    END IF;

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

    RETURN QUERY SELECT asked.n::integer,
        CASE
            WHEN c.key IS NOT NULL THEN 1
            WHEN asked.n <> ALL (v_ready) THEN 2
            WHEN asked.key = ANY (v_late_keys) THEN 3
            WHEN asked.key = ANY (v_reused_keys) THEN 5
            ELSE 4
        END::smallint,
        c.fingerprint = asked.fingerprint, asked.n <> ALL (v_decided), c.answer::text
        FROM unnest(v_keys, p_fingerprints) WITH ORDINALITY AS asked (key, fingerprint, n)
        LEFT JOIN ledger.command c ON c.provider = 'bets' AND c.key = asked.key;
END
$$;
