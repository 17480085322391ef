"""Tables as people and programs write them."""
