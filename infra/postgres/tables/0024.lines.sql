-- depends: 0023.told-log

-- The lines of a bet, each with the same share of its stake: which legs win together, the lowest bit for leg 0. What
-- was taken before is singles, one line of one leg.
ALTER TABLE bets.bet ADD COLUMN lines bigint[] NOT NULL DEFAULT '{1}',
    ADD CONSTRAINT bet_has_lines CHECK (cardinality(lines) > 0 AND stake_minor % cardinality(lines) = 0
        AND 0 < ALL (lines));
