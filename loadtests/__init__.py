"""Load against the whole system: open loop, so that slowness is measured and not hidden."""
