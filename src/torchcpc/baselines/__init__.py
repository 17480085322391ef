"""Handmade features, which need no training. Tables compare learned features with them."""
