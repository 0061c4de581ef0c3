"""Games of our own: what they are, how they are drawn, what they pay, and how they are played."""
