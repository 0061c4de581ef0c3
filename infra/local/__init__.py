"""The whole system on one machine: real servers on private data folders, and our own processes."""
