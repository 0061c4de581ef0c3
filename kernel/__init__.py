"""What every domain stands on: money, ids, the clock, errors. Imports nothing of ours."""
