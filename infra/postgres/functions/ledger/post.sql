-- Decide commands and move the money of those that are accepted, or give the answers that they got before. This is the
-- one place that begins a command, compares its content, stores its answer and changes what players have. Postings and
-- guards come in the order of their commands, in which these are decided.
--
-- What is returned runs by command, but for row_ids, the transfers by posting, null where none was made. verdict:
-- 'decided' now or before; or nothing is stored: 'refused' by a guard that is not kept, 'late', 'too_many' refusals
-- stored already, 'claimed' with another content.
--
-- Accounts of players are locked in ascending id, before the clock is read where the caller gives no time; the house's
-- are only inserted for. A command whose means are held has them and is not asked for them again; what is decided ends
-- its hold. What a tombstone names is refused.
CREATE OR REPLACE FUNCTION ledger.post(
    p_commands ledger.asked[], p_postings ledger.posting[], p_guards ledger.guard[], p_now_us bigint,
    OUT verdicts text[], OUT are_same boolean[], OUT are_replays boolean[], OUT are_accepted boolean[],
    OUT answers jsonb[], OUT row_ids bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_now_us bigint;
    -- By account, which are locked
    v_ids bigint[];
    v_posted_minor bigint[];
    v_held_minor bigint[];
    v_versions bigint[];
    v_currencies text[];
    v_refusals integer[];
    v_has_holds boolean;
    -- By command, before any is decided
    v_firsts integer[];
    v_hold_ids uuid[];
    v_claims_minor bigint[];
    v_obstacles text[];
    -- By room, what this call has taken of it
    v_rooms text[] := '{}';
    v_taken_minor bigint[] := '{}';
    -- Of the command that is being decided
    v_command ledger.asked;
    v_guard ledger.guard;
    v_posting ledger.posting;
    v_verdict text;
    v_failed integer;
    v_found_minor bigint;
    v_left_minor bigint;
    v_most_minor bigint;
    v_is_claimed boolean;
    v_account integer;
    v_other integer;
    v_room integer;
    v_leg integer;
    v_first_guard integer;
    v_g integer := 1;
    v_p integer := 1;
    -- By command decided now
    v_decided integer[] := '{}';
    v_failures integer[] := '{}';
    v_founds_minor bigint[] := '{}';
    v_mosts_minor bigint[] := '{}';
    v_balances_minor bigint[] := '{}';
    v_balances_held_minor bigint[] := '{}';
    v_balances_currencies text[] := '{}';
    v_balances_versions bigint[] := '{}';
    v_new_answers jsonb[];
    -- By hold that this ends, and by posting that is made
    v_ended uuid[] := '{}';
    v_ended_minor bigint[] := '{}';
    v_made integer[] := '{}';
    v_legs integer[] := '{}';
    v_debit_versions bigint[] := '{}';
    v_credit_versions bigint[] := '{}';
    v_made_ids bigint[];
BEGIN
    SELECT coalesce(array_agg(a.account_id), '{}'), array_agg(a.posted_minor), array_agg(a.held_minor),
        array_agg(a.version), array_agg(a.currency), coalesce(bool_or(a.held_minor > 0), false)
    INTO v_ids, v_posted_minor, v_held_minor, v_versions, v_currencies, v_has_holds
    FROM (
        SELECT a.account_id, a.posted_minor, a.held_minor, a.version, a.currency FROM ledger.account a
        WHERE a.owner_id IS NOT NULL AND a.account_id = ANY (ARRAY(
            SELECT c.account_id FROM unnest(p_commands) AS c
            UNION ALL SELECT p.debit_account_id FROM unnest(p_postings) AS p
            UNION ALL SELECT p.credit_account_id FROM unnest(p_postings) AS p
        ))
        ORDER BY a.account_id FOR UPDATE
    ) AS a;
    v_now_us := coalesce(p_now_us, ledger.now_us());
    v_refusals := array_fill(0, ARRAY[cardinality(v_ids)]);

    PERFORM pg_advisory_xact_lock(hashtextextended('ledger.command:' || alone.provider || chr(31) || alone.key, 0))
    FROM (
        SELECT c.provider, c.key FROM unnest(p_commands) AS c WHERE c.account_id IS NULL ORDER BY 1, 2 OFFSET 0
    ) AS alone;

    SELECT array_agg(a.first ORDER BY a.n), array_agg(c.answer ORDER BY a.n),
        array_agg(coalesce(c.fingerprint, a.first_fingerprint) = a.fingerprint ORDER BY a.n),
        array_agg(h.hold_id ORDER BY a.n), array_agg(h.amount_minor ORDER BY a.n),
        array_agg(CASE
            WHEN c.key IS NOT NULL THEN 'answered'
            WHEN a.first <> a.n THEN 'repeated'
            WHEN a.not_after_us < v_now_us THEN 'late'
            WHEN h.fingerprint <> a.fingerprint THEN 'claimed'
            WHEN EXISTS (SELECT FROM ledger.tombstone t WHERE (t.provider, t.key) = (a.provider, a.key)) THEN 'reversed'
        END ORDER BY a.n)
    INTO v_firsts, answers, are_same, v_hold_ids, v_claims_minor, v_obstacles
    FROM (
        SELECT a.provider, a.key, a.fingerprint, a.not_after_us, a.ordinality::integer AS n,
            (first_value(a.ordinality) OVER same_key)::integer AS first,
            first_value(a.fingerprint) OVER same_key AS first_fingerprint
        FROM unnest(p_commands) WITH ORDINALITY AS a
        WINDOW same_key AS (PARTITION BY a.provider COLLATE "C", a.key COLLATE "C" ORDER BY a.ordinality)
    ) AS a
    LEFT JOIN ledger.command c ON (c.provider, c.key) = (a.provider, a.key)
    LEFT JOIN ledger.hold h ON v_has_holds AND (h.provider, h.key) = (a.provider, a.key) AND h.state = 'pending';

    FOR n IN 1 .. cardinality(p_commands) LOOP
        v_command := p_commands[n];
        v_account := array_position(v_ids, v_command.account_id);
        v_verdict := NULL;
        v_failed := NULL;
        v_found_minor := NULL;
        v_most_minor := NULL;
        v_first_guard := v_g;
        v_is_claimed := false;
        v_leg := 0;
        IF v_obstacles[n] = 'reversed' THEN
            v_failed := 0;
        ELSIF v_obstacles[n] IS NOT NULL THEN
            v_verdict := v_obstacles[n];
        END IF;
        IF v_verdict IS NULL AND v_hold_ids[n] IS NOT NULL THEN
            v_is_claimed := true;
            v_held_minor[v_account] := v_held_minor[v_account] - v_claims_minor[n];
        END IF;

        WHILE (p_guards[v_g]).command = n LOOP
            IF v_verdict IS NULL THEN
                v_guard := p_guards[v_g];
                v_left_minor := NULL;
                IF v_guard.kind = 'funds' THEN
                    v_account := array_position(v_ids, v_guard.account_id);
                    v_left_minor := v_posted_minor[v_account] - v_held_minor[v_account];
                ELSIF v_guard.kind = 'room' THEN
                    v_room := array_position(v_rooms, v_guard.room);
                    IF v_room IS NULL THEN
                        v_rooms := v_rooms || v_guard.room;
                        v_taken_minor := v_taken_minor || 0::bigint;
                        v_room := cardinality(v_rooms);
                    END IF;
                    v_left_minor := greatest(0, v_guard.left_minor - v_taken_minor[v_room]);
                END IF;
                v_most_minor := least(v_most_minor, v_left_minor, v_guard.most_minor);
                IF v_failed IS NULL AND (
                    v_left_minor IS NULL OR NOT v_is_claimed AND v_guard.amount_minor > v_left_minor
                ) THEN
                    v_failed := v_g;
                    v_found_minor := v_left_minor;
                END IF;
            END IF;
            v_g := v_g + 1;
        END LOOP;
        IF v_failed > 0 AND NOT (p_guards[v_failed]).is_kept THEN
            v_verdict := 'refused';
        END IF;

        WHILE (p_postings[v_p]).command = n LOOP
            IF v_verdict IS NULL AND v_failed IS NULL THEN
                v_posting := p_postings[v_p];
                v_other := array_position(v_ids, v_posting.debit_account_id);
                IF v_other IS NOT NULL THEN
                    v_posted_minor[v_other] := v_posted_minor[v_other] - v_posting.amount_minor;
                    v_versions[v_other] := v_versions[v_other] + 1;
                END IF;
                v_debit_versions := v_debit_versions || v_versions[v_other];
                v_other := array_position(v_ids, v_posting.credit_account_id);
                IF v_other IS NOT NULL THEN
                    v_posted_minor[v_other] := v_posted_minor[v_other] + v_posting.amount_minor;
                    v_versions[v_other] := v_versions[v_other] + 1;
                END IF;
                v_credit_versions := v_credit_versions || v_versions[v_other];
                v_made := v_made || v_p;
                v_legs := v_legs || v_leg;
                v_leg := v_leg + 1;
            END IF;
            v_p := v_p + 1;
        END LOOP;

        IF v_is_claimed THEN
            v_ended := v_ended || v_hold_ids[n];
            v_ended_minor := v_ended_minor || CASE WHEN v_failed IS NULL THEN v_claims_minor[n] ELSE 0 END;
        END IF;
        -- What is left of a room changes where a claim comes to nothing, or where there was none.
        IF cardinality(v_rooms) > 0 AND coalesce(v_verdict, 'refused') = 'refused'
            AND (v_failed IS NULL) <> v_is_claimed
        THEN
            FOR g IN v_first_guard .. v_g - 1 LOOP
                v_guard := p_guards[g];
                IF v_guard.kind = 'room' THEN
                    v_room := array_position(v_rooms, v_guard.room);
                    v_taken_minor[v_room] := v_taken_minor[v_room]
                        + CASE WHEN v_failed IS NULL THEN v_guard.amount_minor ELSE -v_claims_minor[n] END;
                END IF;
            END LOOP;
        END IF;
        v_account := array_position(v_ids, v_command.account_id);
        IF v_failed IS NOT NULL AND v_verdict IS NULL AND v_command.refusals_left IS NOT NULL THEN
            v_refusals[v_account] := v_refusals[v_account] + 1;
            IF v_refusals[v_account] > v_command.refusals_left THEN
                v_verdict := 'too_many';
            END IF;
        END IF;

        are_accepted[n] := v_verdict IS NULL AND v_failed IS NULL;
        verdicts[n] := CASE v_verdict WHEN 'answered' THEN 'decided' WHEN 'repeated' THEN verdicts[v_firsts[n]]
            ELSE coalesce(v_verdict, 'decided') END;
        are_replays[n] := verdicts[n] = 'decided' AND v_verdict IS NOT NULL;
        IF coalesce(v_verdict, 'refused') = 'refused' THEN
            v_decided := v_decided || n;
            v_failures := v_failures || v_failed;
            v_founds_minor := v_founds_minor || v_found_minor;
            v_mosts_minor := v_mosts_minor || v_most_minor;
            v_balances_minor := v_balances_minor || (v_posted_minor[v_account] - v_held_minor[v_account]);
            v_balances_held_minor := v_balances_held_minor || v_held_minor[v_account];
            v_balances_currencies := v_balances_currencies || v_currencies[v_account];
            v_balances_versions := v_balances_versions || v_versions[v_account];
        END IF;
    END LOOP;
    IF v_g <= cardinality(p_guards) OR v_p <= cardinality(p_postings) THEN
        RAISE EXCEPTION 'Postings and guards must come in the order of commands, number % and % did not', v_p, v_g
            USING ERRCODE = 'data_exception';
    END IF;

    IF cardinality(v_decided) > 0 THEN
        WITH answered AS MATERIALIZED (
            SELECT c.provider, c.key, c.fingerprint, d.n, CASE
                WHEN d.failure = 0 THEN jsonb_build_object('refusal', jsonb_build_object(
                    'reason', 'REVERSED_BEFORE', 'message', 'Command must not be reversed before it comes, was'))
                WHEN d.failure > 0 THEN jsonb_build_object(
                    'refusal', ledger.refusal(p_guards[d.failure], d.found_minor, d.most_minor, d.currency))
                WHEN c.tells_balance THEN c.answer || jsonb_build_object('balance', jsonb_build_object(
                    'available_minor', d.balance_minor, 'held_minor', d.held_minor, 'currency', d.currency,
                    'account_version', d.version))
                ELSE c.answer
            END AS answer
            FROM unnest(v_decided, v_failures, v_founds_minor, v_mosts_minor, v_balances_minor, v_balances_held_minor,
                v_balances_currencies, v_balances_versions)
                AS d (n, failure, found_minor, most_minor, balance_minor, held_minor, currency, version)
            JOIN unnest(p_commands) WITH ORDINALITY AS c ON c.ordinality = d.n
        ), stored AS (
            INSERT INTO ledger.command (provider, key, fingerprint, answer)
            SELECT a.provider, a.key, a.fingerprint, a.answer FROM answered a
            WHERE verdicts[a.n] = 'decided' ORDER BY a.provider COLLATE "C", a.key COLLATE "C"
        )
        SELECT array_agg(a.n), array_agg(a.answer) INTO v_decided, v_new_answers FROM answered a;
        FOR i IN 1 .. cardinality(v_decided) LOOP
            answers[v_decided[i]] := v_new_answers[i];
        END LOOP;
        FOR n IN 1 .. cardinality(p_commands) LOOP
            IF v_firsts[n] <> n THEN
                answers[n] := answers[v_firsts[n]];
            END IF;
        END LOOP;
    END IF;
    IF cardinality(v_ended) > 0 THEN
        UPDATE ledger.hold h SET state = CASE WHEN e.minor > 0 THEN 'posted' ELSE 'voided' END,
            posted_minor = e.minor, ended_time_us = v_now_us
        FROM unnest(v_ended, v_ended_minor) AS e (hold_id, minor) WHERE h.hold_id = e.hold_id;
    END IF;
    IF cardinality(v_ended) > 0 OR cardinality(v_made) > 0 THEN
        UPDATE ledger.account a SET posted_minor = b.posted_minor, held_minor = b.held_minor, version = b.version
        FROM unnest(v_ids, v_posted_minor, v_held_minor, v_versions)
            AS b (account_id, posted_minor, held_minor, version)
        WHERE a.account_id = b.account_id AND (a.version, a.held_minor) <> (b.version, b.held_minor);
    END IF;
    row_ids := array_fill(NULL::bigint, ARRAY[coalesce(cardinality(p_postings), 0)]);
    IF cardinality(v_made) > 0 THEN
        v_made_ids := ledger.write_transfers(
            p_commands, p_postings, v_made, v_legs, v_debit_versions, v_credit_versions, v_now_us);
        FOR i IN 1 .. cardinality(v_made) LOOP
            row_ids[v_made[i]] := v_made_ids[i];
        END LOOP;
    END IF;
END
$$;
