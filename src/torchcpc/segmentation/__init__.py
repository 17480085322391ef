"""Boundaries where a step does not fit the steps before it."""
