"""Find and check the files of one kind that the user names."""
