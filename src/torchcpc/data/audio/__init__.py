"""Reader of sound recordings."""
