-- The guards of a command that pays into a player's cash account, which the caller has locked: what is paid in over each
-- window stays within the bound that the player set. Their refusals are not kept: nothing was decided.
CREATE OR REPLACE FUNCTION pam.deposit_guards(
    p_command integer, p_player_id uuid, p_account_id bigint, p_amount_minor bigint, p_now_us bigint
) RETURNS ledger.guard[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(ROW(
        p_command, 'room', p_account_id, concat_ws(chr(31), 'deposits', p_account_id, l.limit_window),
        l.amount_minor - l.paid_minor, p_amount_minor, 'amount', 1, NULL, false, jsonb_build_object(
            'reason', 'DEPOSIT_LIMIT_EXCEEDED', 'message', format(
                'Deposits over %s must rise by at most %%1$s by the limit that the player set, would by %%2$s',
                CASE l.limit_window WHEN '24h' THEN '24 hours' WHEN '7d' THEN '7 days' ELSE 'a month' END))
    )::ledger.guard ORDER BY l.amount_minor - l.paid_minor, l.limit_window), '{}')
    FROM pam.deposit_limits(p_player_id, p_account_id, p_now_us) AS l WHERE l.amount_minor IS NOT NULL
$$;
