"""A simulated match day: fixtures of every sport, the providers that price them, the people who bet on them.

The generators are pure and seeded; `play` plays them through the doors that real providers and bettors use.
"""
