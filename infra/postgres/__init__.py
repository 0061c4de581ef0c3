"""The ledger's server: tables by numbered steps, functions as files of their own, what the outbox tells by area."""
