"""What the gateway is made of: one file an area, each making the `Part` that the process adds up."""
