"""One source in time, with everything that a run says about it."""
