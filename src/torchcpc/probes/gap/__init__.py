"""The gap closed: how far CPC gets from the untrained to the supervised network."""
