"""Surprise of every row of a series, and alarms."""
