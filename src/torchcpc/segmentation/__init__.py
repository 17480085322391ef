"""Boundaries where a step fits badly to what came before."""
