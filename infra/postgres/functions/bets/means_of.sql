-- What bears on a player's means for a bet, beside the balance: the claim of the bet's own command, what others hold on
-- the account, and what is open or claimed by others on the market. Only holds whose time is not over count, whether or
-- not somebody has ended the others. Part of the query that asks, so that it is planned with it. Bets are looked up
-- one by one: a join of them is planned, as long as tables have no statistics, over all that are open.
CREATE OR REPLACE FUNCTION bets.means_of(
    p_key text, p_player_id uuid, p_account_id bigint, p_fixture_id text, p_market_id text, p_has_holds boolean,
    p_now_us bigint
) RETURNS TABLE (hold_id uuid, fingerprint bytea, own_minor bigint, others_minor bigint, market_stake_minor bigint)
LANGUAGE sql STABLE AS $$
    SELECT own.hold_id, own.fingerprint, own.amount_minor, coalesce(others.held_minor, 0),
        coalesce(staked.minor, 0) + coalesce(others.claimed_minor, 0)
    FROM (
        SELECT sum((SELECT b.stake_minor FROM bets.bet b WHERE b.bet_id = l.bet_id AND b.status = 1))::bigint AS minor
        FROM bets.leg l
        WHERE l.player_id = p_player_id AND l.fixture_id = p_fixture_id AND l.market_id = p_market_id
    ) AS staked
    LEFT JOIN ledger.hold own ON p_has_holds AND own.provider = 'bets' AND own.key = p_key AND own.state = 'pending'
        AND own.expires_time_us >= p_now_us
    LEFT JOIN LATERAL (
        SELECT sum(h.amount_minor)::bigint AS held_minor,
            sum(h.amount_minor) FILTER (WHERE m.hold_id IS NOT NULL)::bigint AS claimed_minor
        FROM ledger.hold h LEFT JOIN bets.claimed_market m
            ON m.hold_id = h.hold_id AND m.fixture_id = p_fixture_id AND m.market_id = p_market_id
        WHERE p_has_holds AND h.account_id = p_account_id AND h.state = 'pending' AND h.expires_time_us >= p_now_us
            AND h.hold_id IS DISTINCT FROM own.hold_id
    ) AS others ON true
$$;
