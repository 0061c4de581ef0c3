-- depends: 0025.reference-currency

-- The results that had their say on each leg of a bet, in order: what a bet returns follows from those that stand on its
-- legs. Of settlements and their rollbacks (kind 1 and 2) the last one stands, and so of cancellations and theirs (3
-- and 4); a cancellation goes before a settlement.
CREATE TABLE bets.leg_result (
    bet_id uuid NOT NULL,
    leg smallint NOT NULL,
    sequence integer NOT NULL CHECK (sequence >= 0),
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
    result_key text NOT NULL,
    PRIMARY KEY (bet_id, leg, sequence)
);
CREATE TRIGGER leg_result_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bets.leg_result
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

INSERT INTO bets.leg_result (bet_id, leg, sequence, kind, result_key)
SELECT b.bet_id, l.leg, row_number() OVER (
    PARTITION BY b.bet_id, l.leg ORDER BY s.begun_time_us, s.result_key
) - 1, s.kind, s.result_key
FROM bets.bet b JOIN bets.leg l USING (bet_id) JOIN bets.settlement s USING (fixture_id, market_id)
WHERE NOT s.is_echo AND (s.is_complete OR b.bet_id <= s.last_bet_id)
    AND CASE
        WHEN s.kind = 1 THEN EXISTS (
            SELECT FROM jsonb_array_elements(s.result -> 'outcomes') AS o WHERE o ->> 'outcome_id' = l.outcome_id
        )
        WHEN s.kind >= 3 THEN bets.window_in(s.result) @> b.placed_time_us
        ELSE true
    END
    AND NOT EXISTS (
        SELECT FROM bets.unsettled u
        WHERE u.bet_id = b.bet_id AND u.result_key = s.result_key AND u.state <> 'applied'
    );

-- What stands on a leg is in its results; a bet says whether its stake went back since all of them are cancelled.
ALTER TABLE bets.bet DROP COLUMN result_return_minor, DROP COLUMN result_status;
ALTER TABLE bets.unsettled DROP COLUMN result_status;
