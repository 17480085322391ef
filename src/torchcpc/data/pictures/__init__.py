"""Reader of pictures."""
