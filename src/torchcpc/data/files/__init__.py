"""Files of one kind that some roots name, whatever is in them."""
