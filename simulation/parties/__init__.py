"""Parties outside the house, each a program with a book of its own, reached over HTTP as the real ones are."""
