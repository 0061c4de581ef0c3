"""Clients of payment providers, one file each, and the door that their notifications come in by."""
