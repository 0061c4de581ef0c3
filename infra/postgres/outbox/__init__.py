"""What the ledger's outbox tells the log: one file an area, each with the events that it tells of."""
