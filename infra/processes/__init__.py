"""Entry points of our processes: one file, one process, with `run(settings)` that composes and runs it."""
