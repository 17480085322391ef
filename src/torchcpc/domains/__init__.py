"""The domains by the name of their data: adding one is adding a record here."""
