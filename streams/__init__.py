"""Faust agents: one file, one agent. What they talk to is injected by infra."""
