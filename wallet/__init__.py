"""Money of players and house: balances and what moves them."""
