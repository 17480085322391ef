"""Representations of whole sources by a trained model, in memory and in files."""
