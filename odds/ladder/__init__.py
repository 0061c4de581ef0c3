"""Prices as they are written, and the steps they are rounded to."""
