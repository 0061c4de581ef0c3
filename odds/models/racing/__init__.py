"""Races of n runners: who finishes where, what each-way bets are worth, and what withdrawals take off."""
