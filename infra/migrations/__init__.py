"""Databases, tables and topics, by versioned steps that are recorded where they were taken."""
