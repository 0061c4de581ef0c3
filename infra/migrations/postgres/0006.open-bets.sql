-- depends: 0005.settlement

-- Exposure is rebuilt from the open bets, in pages by id, while bets are refused: that must not read the settled ones.
CREATE INDEX bet_open ON bets.bet (bet_id) WHERE status = 1;
