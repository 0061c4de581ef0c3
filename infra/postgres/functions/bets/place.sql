-- Take a batch of bets, or give the answers that their commands got before. Arrays run by command; those of legs by
-- leg, with the number of its command, from 1, in p_leg_commands. Lines are arrays, written out. A refusal given with a
-- command is stored.
--
-- What is returned runs by command. verdict: as of ledger.post, or 'held': left alone because its account or market is
-- held by others. But for 'decided' nothing is stored. What is decided ends the claim of its command: a claimed bet has
-- the means, and is not asked for them again; a claim whose time is over counts for nothing.
--
-- Nothing is waited for: what others hold is left alone, and those who ask try again, so that nobody waits behind what
-- another waits for. Commands of one key are of one account, which orders them. Two bets of one account in a batch are
-- decided in the order given.
CREATE OR REPLACE FUNCTION bets.place(
    p_player_ids uuid[], p_request_ids uuid[], p_account_ids bigint[], p_fingerprints bytea[], p_bet_ids uuid[],
    p_stakes_minor bigint[], p_currencies text[], p_potential_returns_minor bigint[], p_lines text[],
    p_refusals text[],
    p_stakes_minor_min bigint[], p_stakes_minor_max bigint[], p_market_stakes_minor_max bigint[],
    p_not_after_us bigint[], p_reference_currencies text[], p_rates_micro bigint[], p_rate_days date[],
    p_leg_commands integer[], p_leg_indexes smallint[], p_fixture_ids text[], p_market_ids text[], p_outcome_ids text[],
    p_decimal_odds_milli integer[], p_book_versions bigint[], p_are_in_play boolean[], p_fixture_names text[],
    p_refusals_max integer,
    OUT verdicts text[], OUT are_same boolean[], OUT are_replays boolean[], OUT answers jsonb[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_held integer[];
    v_locked ledger.locked;
    v_hour bigint;
    v_places integer[];
    v_ready integer[];
    v_strangers bigint[];
    v_commands ledger.asked[];
    v_postings ledger.posting[];
    v_guards ledger.guard[];
    v_posted record;
    v_taken integer[];
    v_refused integer[];
BEGIN
    SELECT coalesce(array_agg(l.n) FILTER (
        WHERE NOT pg_try_advisory_xact_lock_shared(bets.market_lock_key(l.fixture_id, l.market_id))
    ), '{}') INTO v_held
    FROM unnest(p_leg_commands, p_fixture_ids, p_market_ids) AS l (n, fixture_id, market_id);
    v_locked := ledger.lock_accounts(p_account_ids, false);
    v_hour := v_locked.now_us / 3600000000;

    -- Which of the commands are ready, and as what number each of those goes on: as it came, unless some are not ready.
    IF cardinality(v_held) > 0 OR NOT p_account_ids <@ v_locked.account_ids THEN
        SELECT array_agg(CASE WHEN a.is_ready THEN a.place END ORDER BY a.n),
            array_agg(a.n ORDER BY a.n) FILTER (WHERE a.is_ready)
        INTO v_places, v_ready FROM (
            SELECT n::integer AS n, account_id = ANY (v_locked.account_ids) AND n <> ALL (v_held) AS is_ready,
                (count(*) FILTER (WHERE account_id = ANY (v_locked.account_ids) AND n <> ALL (v_held))
                    OVER (ORDER BY n))::integer AS place
            FROM unnest(p_account_ids) WITH ORDINALITY AS a (account_id, n)
        ) AS a;
        SELECT array_agg(a.account_id) INTO v_strangers
        FROM unnest(p_player_ids, p_account_ids) AS a (player_id, account_id)
        WHERE NOT EXISTS (
            SELECT FROM pam.player p WHERE p.player_id = a.player_id AND p.cash_account_id = a.account_id);
    END IF;

    -- All that is read of a batch is read within one statement, what means_of and market_is_closed read too. Each leg
    -- has its own guards, of its market; the money is one for all of a bet.
    IF v_places IS NULL OR v_ready IS NOT NULL THEN
        SELECT coalesce(v_ready, array_agg(g.n) FILTER (WHERE g.step = 3)),
            v_strangers || array_agg(g.account_id) FILTER (WHERE g.step = 3 AND g.is_strange),
            array_agg(ROW(
                'bets', g.key, p_fingerprints[g.n], g.account_id,
                jsonb_build_object('bet_id', p_bet_ids[g.n], 'placed_time_us', v_locked.now_us), true,
                p_not_after_us[g.n], p_refusals_max - g.refusals
            )::ledger.asked) FILTER (WHERE g.step = 3),
            array_agg(ROW(
                g.command, 'stake', g.account_id, g.house_id, g.stake_minor, NULL, p_bet_ids[g.n]
            )::ledger.posting) FILTER (WHERE g.step = 3),
            array_agg(CASE g.step
                WHEN 1 THEN ledger.refuse(g.command, CASE
                    WHEN p_refusals[g.n] IS NOT NULL THEN p_refusals[g.n]::jsonb
                    WHEN g.player_refusal IS NOT NULL THEN g.player_refusal - 'until_us'
                    WHEN g.currency <> p_currencies[g.n] THEN jsonb_build_object(
                        'reason', 'CURRENCY_MISMATCH',
                        'message', format('Stake must be in %s, was in %s', g.currency, p_currencies[g.n]))
                    ELSE jsonb_build_object(
                        'reason', 'MARKET_CLOSED',
                        'message', format('Market %s must be without a result, had one', g.market_id))
                END, true)
                WHEN 2 THEN ROW(
                    g.command, 'room', g.account_id,
                    concat_ws(chr(31), g.player_id, g.room_fixture_id, g.room_market_id),
                    g.market_stake_minor_max - g.open_minor, g.stake_minor, 'stake', g.stake_minor_min,
                    g.stake_minor_max, true, jsonb_build_object(
                        'reason', 'PLAYER_STAKE_LIMIT_EXCEEDED', 'message', format(
                            'Stakes of a player on %s must rise by at most %%1$s, would by %%2$s',
                            replace(g.room_market_id, '%', '%%')))
                )::ledger.guard
                ELSE ROW(
                    g.command, 'funds', g.account_id, NULL, NULL, g.stake_minor, 'stake', g.stake_minor_min,
                    g.stake_minor_max, true,
                    '{"reason": "INSUFFICIENT_FUNDS", "message": "Stake must be at most %1$s, was %2$s"}'
                )::ledger.guard
            END) FILTER (WHERE CASE g.step
                WHEN 1 THEN p_refusals[g.n] IS NOT NULL OR g.player_refusal IS NOT NULL
                    OR g.currency <> p_currencies[g.n] OR g.is_closed
                WHEN 2 THEN g.market_stake_minor_max IS NOT NULL OR g.is_claimed
                ELSE true
            END)
        INTO v_ready, v_strangers, v_commands, v_postings, v_guards
        FROM (
            SELECT asked.n::integer AS n, coalesce(v_places[asked.n::integer], asked.n::integer) AS command, step,
                bets.command_key(asked.player_id, asked.request_id) AS key, asked.player_id, asked.account_id,
                p.currency, p.cash_account_id IS DISTINCT FROM asked.account_id AS is_strange,
                house.account_id AS house_id, l.market_id, asked.stake_minor, asked.stake_minor_min,
                asked.stake_minor_max, asked.market_stake_minor_max,
                pam.refusal_of(p, v_locked.now_us) AS player_refusal, closed.is_closed,
                means.market_stake_minor AS open_minor, means.hold_id IS NOT NULL AS is_claimed,
                coalesce(own.fixture_id, l.fixture_id) AS room_fixture_id,
                coalesce(own.market_id, l.market_id) AS room_market_id, coalesce(r.refusals, 0) AS refusals
            FROM unnest(
                p_player_ids, p_request_ids, p_account_ids, p_stakes_minor, p_stakes_minor_min, p_stakes_minor_max,
                p_market_stakes_minor_max
            ) WITH ORDINALITY AS asked (
                player_id, request_id, account_id, stake_minor, stake_minor_min, stake_minor_max,
                market_stake_minor_max, n)
            LEFT JOIN pam.player p ON p.player_id = asked.player_id
            LEFT JOIN ledger.account house
                ON house.owner_id IS NULL AND house.kind = 'stakes' AND house.currency = p.currency
            LEFT JOIN unnest(p_leg_commands, p_leg_indexes, p_fixture_ids, p_market_ids)
                AS l (n, leg, fixture_id, market_id) ON l.n = asked.n
            CROSS JOIN LATERAL bets.market_is_closed(l.fixture_id, l.market_id, v_locked.now_us) AS closed
            CROSS JOIN LATERAL bets.means_of(
                bets.command_key(asked.player_id, asked.request_id), asked.player_id, asked.account_id, l.fixture_id,
                l.market_id, v_locked.has_holds, v_locked.now_us
            ) AS means
            LEFT JOIN bets.claimed_market own ON own.hold_id = means.hold_id
                AND (l.n IS NULL OR (own.fixture_id, own.market_id) = (l.fixture_id, l.market_id))
            LEFT JOIN bets.refusal_count r ON r.player_id = asked.player_id AND r.hour = v_hour
            CROSS JOIN generate_series(1, 3) AS step
            WHERE (v_places IS NULL OR v_places[asked.n::integer] IS NOT NULL) AND (step < 3 OR coalesce(l.leg, 0) = 0)
            ORDER BY asked.n, step, l.leg
        ) AS g;
    END IF;
    IF cardinality(v_strangers) > 0 THEN
        RAISE EXCEPTION 'Every account must be the cash account of its player, % were not', v_strangers
            USING ERRCODE = 'foreign_key_violation';
    ELSIF v_ready IS NULL THEN
        verdicts := array_fill('held'::text, ARRAY[cardinality(p_account_ids)]);
        RETURN;
    END IF;

    v_posted := ledger.post(v_locked, v_commands, v_postings, v_guards);
    v_taken := v_ready;
    IF false = ANY (v_posted.are_accepted) THEN
        SELECT coalesce(array_agg(d.n) FILTER (WHERE d.is_accepted), '{}'),
            array_agg(d.n) FILTER (WHERE d.verdict = 'decided' AND NOT d.is_accepted AND NOT d.is_replay)
        INTO v_taken, v_refused
        FROM unnest(v_ready, v_posted.verdicts, v_posted.are_accepted, v_posted.are_replays)
            AS d (n, verdict, is_accepted, is_replay);
    END IF;

    IF v_refused IS NOT NULL THEN
        INSERT INTO bets.refusal_count AS r (player_id, hour, refusals)
        SELECT p_player_ids[n], v_hour, count(*) FROM unnest(v_refused) AS n GROUP BY 1
        ON CONFLICT (player_id) DO UPDATE SET hour = v_hour,
            refusals = CASE r.hour WHEN v_hour THEN r.refusals ELSE 0 END + excluded.refusals;
    END IF;
    IF cardinality(v_taken) > 0 THEN
        INSERT INTO bets.bet (
            bet_id, player_id, request_id, account_id, stake_minor, currency, potential_return_minor, lines,
            placed_time_us, reference_currency, rate_micro, rate_day
        )
        SELECT p_bet_ids[n], p_player_ids[n], p_request_ids[n], p_account_ids[n], p_stakes_minor[n], p_currencies[n],
            p_potential_returns_minor[n], p_lines[n]::bigint[], v_locked.now_us, p_reference_currencies[n],
            p_rates_micro[n], p_rate_days[n]
        FROM unnest(v_taken) AS n;

        INSERT INTO bets.leg (
            bet_id, leg, player_id, fixture_id, market_id, outcome_id, decimal_odds_milli, book_version, is_in_play,
            fixture_name
        )
        SELECT p_bet_ids[l.n], l.leg, p_player_ids[l.n], l.fixture_id, l.market_id, l.outcome_id,
            l.decimal_odds_milli, l.book_version, l.is_in_play, l.fixture_name
        FROM unnest(p_leg_commands, p_leg_indexes, p_fixture_ids, p_market_ids, p_outcome_ids, p_decimal_odds_milli,
            p_book_versions, p_are_in_play, p_fixture_names)
            AS l (n, leg, fixture_id, market_id, outcome_id, decimal_odds_milli, book_version, is_in_play, fixture_name)
        WHERE l.n = ANY (v_taken);

        INSERT INTO bets.event (bet_id, sequence, kind, time_us, amount_minor, status, return_minor)
        SELECT p_bet_ids[n], 0, 1, v_locked.now_us, -p_stakes_minor[n], 1, 0 FROM unnest(v_taken) AS n;

        INSERT INTO ledger.outbox (event, subject, sequence, time_us)
        SELECT 'bet_changed', p_bet_ids[n], 0, v_locked.now_us FROM unnest(v_taken) AS n
        UNION ALL
        SELECT 'leg_changed', p_bet_ids[l.n], l.leg, v_locked.now_us FROM unnest(p_leg_commands, p_leg_indexes) AS l (n, leg)
        WHERE l.n = ANY (v_taken);
    END IF;

    verdicts := v_posted.verdicts;
    are_same := v_posted.are_same;
    are_replays := v_posted.are_replays;
    answers := v_posted.answers;
    IF v_places IS NOT NULL THEN
        SELECT array_agg(coalesce(v_posted.verdicts[p.place], 'held') ORDER BY p.n),
            array_agg(v_posted.are_same[p.place] ORDER BY p.n), array_agg(v_posted.are_replays[p.place] ORDER BY p.n),
            array_agg(v_posted.answers[p.place] ORDER BY p.n)
        INTO verdicts, are_same, are_replays, answers FROM unnest(v_places) WITH ORDINALITY AS p (place, n);
    END IF;
END
$$;
