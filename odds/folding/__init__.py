"""What providers and traders say, folded into fixtures: who may say what, who is heard of."""
