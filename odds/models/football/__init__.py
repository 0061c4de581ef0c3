"""Football: goal models, match states, and every market of a match from one joint distribution."""
