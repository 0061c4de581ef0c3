"""Prices: from what providers quote to what we offer. Batched numpy, no I/O."""
