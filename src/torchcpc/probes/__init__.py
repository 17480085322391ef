"""Probes: how well simple models predict labels from representations, compared with baselines."""
