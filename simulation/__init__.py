"""A simulated match day: football matches, the providers that price them, the people who bet on them.

The generators are pure and seeded; `drive` plays them through the doors that real providers and bettors use.
"""
