"""What is bet on: fixtures and where they stand, markets and how they come out, in the words that all areas share."""
