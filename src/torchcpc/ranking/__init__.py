"""Where the true future ranks among others."""
