"""The HTTP doors' frame: raw bodies with a bound, signatures looked at first, refusals told by their category."""
