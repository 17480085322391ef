"""Intervals, scores and solvers that know no model."""
