"""Sports, one file each: a module here that has a `PRICER` is asked about the fixtures of its sports."""
