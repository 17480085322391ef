"""Sensor series."""
