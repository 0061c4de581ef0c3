-- depends: 0026.leg-results

-- In which transaction a decision was taken: the outbox tells of it. Those of before are not told.
ALTER TABLE bets.result_decision ADD COLUMN transaction_id xid8 NOT NULL DEFAULT '0';
ALTER TABLE bets.result_decision ALTER COLUMN transaction_id SET DEFAULT ledger.transaction_id();
