"""The programs of the system, each described in a file of its own."""
