-- What a player may pay in over each window for which they bounded it, and what they have paid in, at a time, deposits
-- counted that a payment provider may yet take: the bound that holds, null where a raise took it away, and the raise that
-- waits, if one does.
CREATE OR REPLACE FUNCTION pam.deposit_limits(p_player_id uuid, p_account_id bigint, p_at_us bigint)
RETURNS TABLE (
    limit_window text, amount_minor bigint, raise_minor bigint, raise_from_us bigint, raise_needs_confirmation boolean,
    paid_minor bigint
) LANGUAGE sql STABLE AS $$
    SELECT l.limit_window, CASE WHEN has.risen THEN l.raise_minor ELSE l.amount_minor END,
        CASE WHEN NOT has.risen THEN l.raise_minor END, CASE WHEN NOT has.risen THEN l.raise_from_us END,
        CASE WHEN NOT has.risen THEN l.raise_needs_confirmation END, coalesce(paid.minor, 0) + coalesce(under_way.minor, 0)
    FROM pam.deposit_limit l
    CROSS JOIN LATERAL (
        SELECT coalesce(NOT l.raise_needs_confirmation AND l.raise_from_us <= p_at_us, false) AS risen
    ) AS has
    CROSS JOIN LATERAL (
        SELECT sum(t.amount_minor)::bigint AS minor FROM ledger.transfer t
        WHERE t.credit_account_id = p_account_id AND t.kind = 'deposit'
            AND t.time_us > pam.window_begins_us(l.limit_window, p_at_us)
    ) AS paid
    CROSS JOIN (
        SELECT sum(d.amount_minor)::bigint AS minor
        FROM payments.deposit d JOIN payments.attempt a USING (deposit_id)
        WHERE d.player_id = p_player_id AND a.ask_time_us IS NOT NULL
    ) AS under_way
    WHERE l.player_id = p_player_id
$$;
