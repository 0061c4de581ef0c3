"""Tennis: from the chances to win a point on serve to every market, from any live score."""
