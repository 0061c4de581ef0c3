"""The ledger's server: tables by numbered steps, and the functions that work on them as files of their own."""
