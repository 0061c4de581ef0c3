"""Feeds: what providers send, in their own formats, becomes one kind of update."""
