-- Set the stakes of a batch of bets of one leg aside before the in-play delay, until their commands are decided or
-- their time is over. Arrays run by command.
--
-- state: 1 claimed, 2 left alone because its account is held by others, 3 come too late, 4 not claimed for want of
-- means, 5 answered before. The means told are those without what other commands claim.
--
-- A command that is claimed already stays so until the later of both times. Locks are taken as by bets.place.
CREATE OR REPLACE FUNCTION bets.claim(
    p_player_ids uuid[], p_request_ids uuid[], p_account_ids bigint[], p_fingerprints bytea[], p_stakes_minor bigint[],
    p_market_stakes_minor_max bigint[], p_fixture_ids text[], p_market_ids text[], p_until_us bigint[]
) RETURNS TABLE (
    command_number integer, state smallint, is_same boolean, answer text, available_minor bigint,
    market_stake_minor bigint, time_us bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_keys text[];
    v_locked ledger.locked;
    v_states smallint[] := array_fill(2::smallint, ARRAY[cardinality(p_account_ids)]);
    v_available bigint[] := array_fill(0::bigint, ARRAY[cardinality(p_account_ids)]);
    v_staked bigint[] := array_fill(0::bigint, ARRAY[cardinality(p_account_ids)]);
    v_claimed integer[] := '{}';
    v_lasting integer[] := '{}';
    v_account_id bigint;
    v_available_minor bigint;
    v_market_stake_minor bigint;
    v_first_claimed integer;
    v_row record;
BEGIN
    IF EXISTS (
        SELECT FROM unnest(p_player_ids, p_account_ids) AS a (player_id, account_id)
        WHERE NOT EXISTS (
            SELECT FROM ledger.account own
            WHERE own.account_id = a.account_id AND own.owner_id = a.player_id AND own.kind = 'cash')
    ) THEN
        RAISE EXCEPTION 'Every account must be the cash account of its player' USING ERRCODE = 'foreign_key_violation';
    END IF;

    SELECT array_agg(bets.command_key(a.player_id, a.request_id) ORDER BY a.n) INTO v_keys
    FROM unnest(p_player_ids, p_request_ids) WITH ORDINALITY AS a (player_id, request_id, n);

    v_locked := ledger.lock_accounts(p_account_ids, false);

    FOR v_row IN
        SELECT asked.n, a.account_id, a.posted_minor - a.held_minor AS available_minor, c.key IS NOT NULL AS is_answered,
            means.own_minor, means.market_stake_minor
        FROM (
            SELECT DISTINCT ON (v_keys[ready.n]) ready.n::integer AS n
            FROM unnest(p_account_ids) WITH ORDINALITY AS ready (account_id, n)
            WHERE ready.account_id = ANY (v_locked.account_ids) ORDER BY v_keys[ready.n], ready.n
        ) AS asked
        JOIN ledger.account a ON a.account_id = p_account_ids[asked.n]
        LEFT JOIN ledger.command c ON c.provider = 'bets' AND c.key = v_keys[asked.n]
        CROSS JOIN LATERAL bets.means_of(
            v_keys[asked.n], a.owner_id, a.account_id, p_fixture_ids[asked.n], p_market_ids[asked.n],
            v_locked.has_holds, v_locked.now_us
        ) AS means
        ORDER BY a.account_id, asked.n
    LOOP
        IF v_account_id IS DISTINCT FROM v_row.account_id THEN
            v_account_id := v_row.account_id;
            v_available_minor := v_row.available_minor;
            v_first_claimed := cardinality(v_claimed) + 1;
        END IF;
        v_market_stake_minor := v_row.market_stake_minor + (
            SELECT coalesce(sum(p_stakes_minor[n]), 0) FROM unnest(v_claimed[v_first_claimed:]) AS n
            WHERE p_fixture_ids[n] = p_fixture_ids[v_row.n] AND p_market_ids[n] = p_market_ids[v_row.n]);
        v_available[v_row.n] := v_available_minor + coalesce(v_row.own_minor, 0);
        v_staked[v_row.n] := v_market_stake_minor;
        IF v_row.is_answered THEN
            v_states[v_row.n] := 5;
        ELSIF p_until_us[v_row.n] < v_locked.now_us THEN
            v_states[v_row.n] := 3;
        ELSIF v_row.own_minor IS NOT NULL THEN
            v_states[v_row.n] := 1;
            v_lasting := v_lasting || v_row.n;
        ELSIF p_stakes_minor[v_row.n] > least(
            v_available_minor, p_market_stakes_minor_max[v_row.n] - v_market_stake_minor
        ) THEN
            v_states[v_row.n] := 4;
        ELSE
            v_states[v_row.n] := 1;
            v_claimed := v_claimed || v_row.n;
            v_available_minor := v_available_minor - p_stakes_minor[v_row.n];
        END IF;
    END LOOP;

    IF cardinality(v_claimed) > 0 THEN
        INSERT INTO bets.claimed_market (hold_id, fixture_id, market_id)
        SELECT held.hold_id, p_fixture_ids[c.n], p_market_ids[c.n]
        FROM ledger.begin_holds(
            'bets', ARRAY(SELECT v_keys[n] FROM unnest(v_claimed) AS n),
            ARRAY(SELECT p_fingerprints[n] FROM unnest(v_claimed) AS n),
            ARRAY(SELECT p_account_ids[n] FROM unnest(v_claimed) AS n),
            ARRAY(SELECT p_stakes_minor[n] FROM unnest(v_claimed) AS n),
            ARRAY(SELECT p_until_us[n] FROM unnest(v_claimed) AS n), v_locked.now_us
        ) AS held JOIN unnest(v_claimed) AS c (n) ON held.key = v_keys[c.n];
    END IF;
    IF cardinality(v_lasting) > 0 THEN
        PERFORM ledger.extend_holds(
            'bets', ARRAY(SELECT v_keys[n] FROM unnest(v_lasting) AS n),
            ARRAY(SELECT p_fingerprints[n] FROM unnest(v_lasting) AS n),
            ARRAY(SELECT p_until_us[n] FROM unnest(v_lasting) AS n));
    END IF;

    -- What a batch holds twice is decided once.
    RETURN QUERY SELECT asked.n::integer, v_states[asked.first_n],
        coalesce(c.fingerprint, h.fingerprint, asked.fingerprint) = asked.fingerprint, c.answer::text,
        v_available[asked.first_n], v_staked[asked.first_n], v_locked.now_us
        FROM (
            SELECT a.key, a.fingerprint, a.n, array_position(v_keys, a.key) AS first_n
            FROM unnest(v_keys, p_fingerprints) WITH ORDINALITY AS a (key, fingerprint, n)
        ) AS asked
        LEFT JOIN ledger.command c ON c.provider = 'bets' AND c.key = asked.key
        LEFT JOIN ledger.hold h ON h.provider = 'bets' AND h.key = asked.key AND h.state = 'pending';
END
$$;
