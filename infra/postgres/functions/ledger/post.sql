-- Decide commands and move the money of those that are accepted, or give the answers that they got before. This is the
-- one place that begins a command, compares its content, stores its answer and changes what players have. Postings and
-- guards come in the order of their commands, in which these are decided.
--
-- What is returned runs by command, but for row_ids, the transfers by posting, null where none was made. verdict:
-- 'decided' now or before; or nothing is stored: 'refused' by a guard that is not kept, 'late', 'too_many' refusals
-- stored already, 'claimed' with another content.
--
-- Accounts of players are those that ledger.lock_accounts has locked in this transaction, as it returned them; the
-- house's are only inserted for. Where none is locked, the commands move nothing, and are ordered by locks of their keys.
-- A command whose means are held has them and is not asked for them again; what is decided ends its hold. What a
-- tombstone names is refused.
CREATE OR REPLACE FUNCTION ledger.post(
    p_locked ledger.locked, p_commands ledger.asked[], p_postings ledger.posting[], p_guards ledger.guard[],
    OUT verdicts text[], OUT are_same boolean[], OUT are_replays boolean[], OUT are_accepted boolean[],
    OUT answers jsonb[], OUT row_ids bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
    -- By account: those locked, and the house's as they come, which have a currency and nothing else here
    v_ids bigint[] := p_locked.account_ids;
    v_posted_minor bigint[] := p_locked.posted_minor;
    v_held_minor bigint[] := p_locked.held_minor;
    v_versions bigint[] := p_locked.versions;
    v_currencies text[] := p_locked.currencies;
    v_refusals integer[] := array_fill(0, ARRAY[cardinality(p_locked.account_ids)]);
    v_is_alone boolean := cardinality(p_locked.account_ids) = 0;
    -- By command, before any is decided
    v_keys text[] := '{}';
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
    v_first integer;
    v_found_minor bigint;
    v_left_minor bigint;
    v_most_minor bigint;
    v_is_claimed boolean;
    v_account integer;
    v_other integer;
    v_debit integer;
    v_credit integer;
    v_room integer;
    v_leg integer;
    v_first_guard integer;
    v_g integer := 1;
    v_p integer := 1;
    v_are_stored boolean[];
    -- By hold that this ends, and by posting that is made
    v_ended uuid[] := '{}';
    v_ended_minor bigint[] := '{}';
    v_made integer[] := '{}';
    v_legs integer[] := '{}';
    v_debit_versions bigint[] := '{}';
    v_credit_versions bigint[] := '{}';
    v_made_currencies text[] := '{}';
    v_made_ids bigint[];
BEGIN
    IF v_is_alone THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('ledger.command:' || alone.provider || chr(31) || alone.key, 0))
        FROM (SELECT c.provider, c.key FROM unnest(p_commands) AS c ORDER BY 1, 2 OFFSET 0) AS alone;
    END IF;

    SELECT array_agg(a.answer), array_agg(a.is_same), array_agg(a.hold_id), array_agg(a.held_minor),
        array_agg(a.obstacle)
    INTO answers, are_same, v_hold_ids, v_claims_minor, v_obstacles FROM (
        SELECT c.answer, coalesce(c.fingerprint = a.fingerprint, true) AS is_same, h.hold_id,
            h.amount_minor AS held_minor, CASE
                WHEN c.key IS NOT NULL THEN 'answered'
                WHEN a.not_after_us < p_locked.now_us THEN 'late'
                WHEN h.fingerprint <> a.fingerprint THEN 'claimed'
                WHEN EXISTS (SELECT FROM ledger.tombstone t WHERE (t.provider, t.key) = (a.provider, a.key))
                    THEN 'reversed'
            END AS obstacle
        FROM unnest(p_commands) WITH ORDINALITY AS a
        LEFT JOIN ledger.command c ON (c.provider, c.key) = (a.provider, a.key)
        LEFT JOIN ledger.hold h
            ON p_locked.has_holds AND (h.provider, h.key) = (a.provider, a.key) AND h.state = 'pending'
        ORDER BY a.ordinality
    ) AS a;

    FOR n IN 1 .. cardinality(p_commands) LOOP
        v_command := p_commands[n];
        v_account := array_position(v_ids, v_command.account_id);
        IF v_account IS NULL AND NOT v_is_alone THEN
            RAISE EXCEPTION 'The account of a command must be locked, % was not', v_command.account_id
                USING ERRCODE = 'data_exception';
        END IF;
        v_verdict := NULL;
        v_failed := NULL;
        v_found_minor := NULL;
        v_most_minor := NULL;
        v_first_guard := v_g;
        v_is_claimed := false;
        v_leg := 0;
        v_first := array_position(v_keys, v_command.provider || chr(31) || v_command.key);
        v_keys := v_keys || (v_command.provider || chr(31) || v_command.key);
        IF v_first IS NOT NULL AND v_obstacles[n] IS DISTINCT FROM 'answered' THEN
            v_verdict := 'repeated';
            are_same[n] := v_command.fingerprint = (p_commands[v_first]).fingerprint;
        ELSIF v_obstacles[n] = 'reversed' THEN
            v_failed := 0;
        ELSE
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
                    v_other := array_position(v_ids, v_guard.account_id);
                    v_left_minor := v_posted_minor[v_other] - v_held_minor[v_other];
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
                v_debit := array_position(v_ids, v_posting.debit_account_id);
                IF v_debit IS NULL THEN
                    v_ids := v_ids || v_posting.debit_account_id;
                    v_currencies := v_currencies || ledger.house_currency(v_posting.debit_account_id);
                    v_debit := cardinality(v_ids);
                END IF;
                v_credit := array_position(v_ids, v_posting.credit_account_id);
                IF v_credit IS NULL THEN
                    v_ids := v_ids || v_posting.credit_account_id;
                    v_currencies := v_currencies || ledger.house_currency(v_posting.credit_account_id);
                    v_credit := cardinality(v_ids);
                END IF;
                IF v_currencies[v_debit] IS DISTINCT FROM v_currencies[v_credit] THEN
                    RAISE EXCEPTION 'Accounts % and % must be locked or the house''s and share a currency',
                        v_posting.debit_account_id, v_posting.credit_account_id
                        USING ERRCODE = 'foreign_key_violation';
                END IF;
                v_posted_minor[v_debit] := v_posted_minor[v_debit] - v_posting.amount_minor;
                v_versions[v_debit] := v_versions[v_debit] + 1;
                v_debit_versions := v_debit_versions || v_versions[v_debit];
                v_posted_minor[v_credit] := v_posted_minor[v_credit] + v_posting.amount_minor;
                v_versions[v_credit] := v_versions[v_credit] + 1;
                v_credit_versions := v_credit_versions || v_versions[v_credit];
                v_made_currencies := v_made_currencies || v_currencies[v_debit];
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
        IF v_failed IS NOT NULL AND v_verdict IS NULL AND v_command.refusals_left IS NOT NULL THEN
            v_refusals[v_account] := v_refusals[v_account] + 1;
            IF v_refusals[v_account] > v_command.refusals_left THEN
                v_verdict := 'too_many';
            END IF;
        END IF;

        are_accepted[n] := v_verdict IS NULL AND v_failed IS NULL;
        verdicts[n] := CASE v_verdict WHEN 'answered' THEN 'decided' WHEN 'repeated' THEN verdicts[v_first]
            ELSE coalesce(v_verdict, 'decided') END;
        are_replays[n] := verdicts[n] = 'decided' AND v_verdict IS NOT NULL;
        IF v_verdict = 'repeated' THEN
            answers[n] := answers[v_first];
        ELSIF coalesce(v_verdict, 'refused') = 'refused' THEN
            IF v_failed = 0 THEN
                answers[n] := '{"refusal": {"reason": "REVERSED_BEFORE",
                    "message": "Command must not be reversed before it comes, was"}}';
            ELSIF v_failed > 0 THEN
                answers[n] := jsonb_build_object('refusal', ledger.refusal(
                    p_guards[v_failed], v_found_minor, v_most_minor, v_currencies[v_account]));
            ELSIF v_command.tells_balance THEN
                answers[n] := v_command.answer || jsonb_build_object('balance', jsonb_build_object(
                    'available_minor', v_posted_minor[v_account] - v_held_minor[v_account],
                    'held_minor', v_held_minor[v_account], 'currency', v_currencies[v_account],
                    'account_version', v_versions[v_account]));
            ELSE
                answers[n] := v_command.answer;
            END IF;
        END IF;
        v_are_stored[n] := v_verdict IS NULL;
    END LOOP;
    IF v_g <= cardinality(p_guards) OR v_p <= cardinality(p_postings) THEN
        RAISE EXCEPTION 'Postings and guards must come in the order of commands, number % and % did not', v_p, v_g
            USING ERRCODE = 'data_exception';
    END IF;

    IF true = ANY (v_are_stored) THEN
        INSERT INTO ledger.command (provider, key, fingerprint, answer)
        SELECT c.provider, c.key, c.fingerprint, answers[c.ordinality::integer]
        FROM unnest(p_commands) WITH ORDINALITY AS c WHERE v_are_stored[c.ordinality::integer];
    END IF;
    IF cardinality(v_ended) > 0 THEN
        UPDATE ledger.hold h SET state = CASE WHEN e.minor > 0 THEN 'posted' ELSE 'voided' END,
            posted_minor = e.minor, ended_time_us = p_locked.now_us
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
            p_commands, p_postings, v_made, v_legs, v_debit_versions, v_credit_versions, v_made_currencies,
            p_locked.now_us);
        FOR i IN 1 .. cardinality(v_made) LOOP
            row_ids[v_made[i]] := v_made_ids[i];
        END LOOP;
    END IF;
END
$$;
