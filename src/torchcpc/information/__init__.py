"""Calibrated scores of a run, and the information that they add up to."""
