"""Whether a player may do now what they ask for: the rules of a jurisdiction, by the day, and the one question."""
