"""Composition and the outside world: settings, stores, process entry points, the local stack, the command line."""
