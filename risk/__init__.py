"""What we may lose: limits for one bet, exposure of one market."""
