"""Bets from the slip to the payout. The one domain that uses other domains."""
