-- Add to the house's balances what transfers that entered the chain did to them.
CREATE OR REPLACE FUNCTION ledger.roll_up(p_account_ids bigint[], p_nets_minor bigint[]) RETURNS void
LANGUAGE sql AS $$
    UPDATE ledger.account a SET posted_minor = a.posted_minor + n.net_minor
    FROM unnest(p_account_ids, p_nets_minor) AS n (account_id, net_minor)
    WHERE a.account_id = n.account_id AND a.owner_id IS NULL
$$;
