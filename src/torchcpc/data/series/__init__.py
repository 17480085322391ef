"""Reader of sensor series."""
