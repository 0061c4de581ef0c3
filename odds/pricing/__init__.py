"""From folded fixtures to new books, all that wait in one batch."""
