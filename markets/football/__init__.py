"""Football: the names of its markets, and what wins at each score."""
