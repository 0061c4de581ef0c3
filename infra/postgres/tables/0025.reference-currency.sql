-- depends: 0024.lines

-- By which rate a bet is reckoned in the reference currency for as long as it is open: millionths of a unit of its own
-- currency that one unit of the reference currency was on a day. Bets from before were all in one currency, which is the
-- reference currency; of those the day is not known.
ALTER TABLE bets.bet ADD COLUMN reference_currency text, ADD COLUMN rate_micro bigint, ADD COLUMN rate_day date;
UPDATE bets.bet SET reference_currency = currency, rate_micro = 1000000;
ALTER TABLE bets.bet ALTER COLUMN reference_currency SET NOT NULL, ALTER COLUMN rate_micro SET NOT NULL,
    ADD CONSTRAINT bet_rate_above_zero CHECK (rate_micro > 0),
    ADD CONSTRAINT bet_rate_of_itself CHECK (currency <> reference_currency OR rate_micro = 1000000),
    ADD CONSTRAINT bet_rate_dated CHECK (rate_day IS NOT NULL OR currency = reference_currency);
