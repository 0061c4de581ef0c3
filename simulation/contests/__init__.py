"""Simulated fixtures, one file a sport: what happens, what is true of its markets, and how they come out."""
