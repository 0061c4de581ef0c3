"""Money that comes in by payment providers: what a provider is asked and tells, and what becomes of it."""
