"""Player account management: who plays, and what they may do."""
