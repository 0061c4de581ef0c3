"""Models of sports: from a few figures to the chances of everything that can be bet on."""
