-- Play a batch of rounds, or give the answers that their commands got before. Arrays run by command; stops are arrays,
-- written out. Each comes with what was drawn for it: where the command is new and accepted, the round is kept with that,
-- its stake taken and its win paid; else what was drawn is forgotten.
--
-- verdict: as of ledger.post, or 'held': left alone because its account is held by others, or another command of it
-- comes before in the batch. But for 'decided' nothing is stored: refusals are not, for they decide nothing.
--
-- A player's rounds are p_cycles_us apart, by the ledger's clock, under the lock of their account.
CREATE OR REPLACE FUNCTION casino.spin(
    p_player_ids uuid[], p_request_ids uuid[], p_account_ids bigint[], p_fingerprints bytea[], p_round_ids uuid[],
    p_game_codes text[], p_game_versions integer[], p_stops text[], p_stakes_minor bigint[], p_wins_minor bigint[],
    p_currencies text[], p_stakes_minor_max bigint[], p_cycles_us bigint[],
    OUT verdicts text[], OUT are_same boolean[], OUT are_replays boolean[], OUT answers jsonb[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_locked ledger.locked := ledger.lock_accounts(p_account_ids, false);
    v_ready integer[];
    v_strangers bigint[];
    v_commands ledger.asked[];
    v_postings ledger.posting[];
    v_guards ledger.guard[];
    v_posted record;
BEGIN
    SELECT array_agg(a.n ORDER BY a.n) INTO v_ready FROM (
        SELECT min(n)::integer AS n FROM unnest(p_account_ids) WITH ORDINALITY AS a (account_id, n)
        WHERE account_id = ANY (v_locked.account_ids) GROUP BY account_id
    ) AS a;
    verdicts := array_fill('held'::text, ARRAY[cardinality(p_account_ids)]);
    are_same := array_fill(true, ARRAY[cardinality(p_account_ids)]);
    are_replays := array_fill(false, ARRAY[cardinality(p_account_ids)]);
    answers := array_fill(NULL::jsonb, ARRAY[cardinality(p_account_ids)]);
    IF v_ready IS NULL THEN
        RETURN;
    END IF;

    SELECT array_agg(asked.account_id) FILTER (WHERE p.cash_account_id IS DISTINCT FROM asked.account_id),
        array_agg(ROW(
            'casino', asked.key, p_fingerprints[asked.n], asked.account_id,
            jsonb_build_object('round_id', p_round_ids[asked.n], 'time_us', v_locked.now_us), true, NULL, NULL
        )::ledger.asked ORDER BY asked.place),
        array_agg(CASE
            WHEN pam.refusal_of(p, v_locked.now_us) IS NOT NULL
                THEN ledger.refuse(asked.place, pam.refusal_of(p, v_locked.now_us), false)
            WHEN p.currency <> p_currencies[asked.n] THEN ledger.refuse(asked.place, jsonb_build_object(
                'reason', 'CURRENCY_MISMATCH',
                'message', format('Stake must be in %s, was in %s', p.currency, p_currencies[asked.n])), false)
            WHEN p_stakes_minor[asked.n] > p_stakes_minor_max[asked.n] THEN ledger.refuse(asked.place, jsonb_build_object(
                'reason', 'STAKE_LIMIT_EXCEEDED', 'message', format('Stake must be at most %s, was %s',
                    ledger.amount_words(p_stakes_minor_max[asked.n], p.currency),
                    ledger.amount_words(p_stakes_minor[asked.n], p.currency)),
                'stake_max_minor', p_stakes_minor_max[asked.n]), false)
            WHEN last.time_us > v_locked.now_us - p_cycles_us[asked.n] THEN ledger.refuse(asked.place, jsonb_build_object(
                'reason', 'GAME_CYCLE_TOO_SHORT', 'message', format('Spins must be %s ms apart, last was %s ms ago',
                    p_cycles_us[asked.n] / 1000, (v_locked.now_us - last.time_us) / 1000),
                'wait_ms', (last.time_us + p_cycles_us[asked.n] - v_locked.now_us + 999) / 1000), false)
            ELSE ROW(
                asked.place, 'funds', asked.account_id, NULL, NULL, p_stakes_minor[asked.n], 'stake', NULL,
                p_stakes_minor_max[asked.n], false,
                '{"reason": "INSUFFICIENT_FUNDS", "message": "Stake must be at most %1$s, was %2$s"}'
            )::ledger.guard
        END ORDER BY asked.place)
    INTO v_strangers, v_commands, v_guards
    FROM (
        SELECT n, place::integer AS place, p_account_ids[n] AS account_id,
            p_player_ids[n] || ':' || p_request_ids[n] AS key
        FROM unnest(v_ready) WITH ORDINALITY AS ready (n, place)
    ) AS asked
    LEFT JOIN pam.player p ON p.player_id = p_player_ids[asked.n]
    LEFT JOIN LATERAL (
        SELECT r.time_us FROM casino.round r WHERE r.player_id = p.player_id ORDER BY r.time_us DESC LIMIT 1
    ) AS last ON true;
    IF cardinality(v_strangers) > 0 THEN
        RAISE EXCEPTION 'Every account must be the cash account of its player, % were not', v_strangers
            USING ERRCODE = 'foreign_key_violation';
    END IF;

    SELECT array_agg(moved.posting ORDER BY moved.place, moved.leg) INTO v_postings FROM (
        SELECT ready.place, 0 AS leg, ROW(
            ready.place, 'stake', p_account_ids[n], ledger.house_account('stakes', p.currency), p_stakes_minor[n],
            NULL, p_round_ids[n]
        )::ledger.posting AS posting
        FROM unnest(v_ready) WITH ORDINALITY AS ready (n, place) JOIN pam.player p ON p.player_id = p_player_ids[n]
        UNION ALL
        SELECT ready.place, 1, ROW(
            ready.place, 'win', ledger.house_account('payouts', p.currency), p_account_ids[n], p_wins_minor[n],
            NULL, p_round_ids[n]
        )::ledger.posting
        FROM unnest(v_ready) WITH ORDINALITY AS ready (n, place) JOIN pam.player p ON p.player_id = p_player_ids[n]
        WHERE p_wins_minor[n] > 0
    ) AS moved;

    v_posted := ledger.post(v_locked, v_commands, v_postings, v_guards);
    INSERT INTO casino.round (
        round_id, player_id, request_id, account_id, game_code, game_version, stops, stake_minor, win_minor, currency,
        time_us
    )
    SELECT p_round_ids[n], p_player_ids[n], p_request_ids[n], p_account_ids[n], p_game_codes[n], p_game_versions[n],
        p_stops[n]::integer[], p_stakes_minor[n], p_wins_minor[n], p_currencies[n], v_locked.now_us
    FROM unnest(v_ready) WITH ORDINALITY AS ready (n, place) WHERE v_posted.are_accepted[ready.place];
    INSERT INTO ledger.outbox (event, subject, sequence, time_us)
    SELECT 'round_played', p_round_ids[n], 0, v_locked.now_us
    FROM unnest(v_ready) WITH ORDINALITY AS ready (n, place) WHERE v_posted.are_accepted[ready.place];

    FOR place IN 1 .. cardinality(v_ready) LOOP
        verdicts[v_ready[place]] := v_posted.verdicts[place];
        are_same[v_ready[place]] := v_posted.are_same[place];
        are_replays[v_ready[place]] := v_posted.are_replays[place];
        answers[v_ready[place]] := v_posted.answers[place];
    END LOOP;
END
$$;
