"""Event files as they are found: where they are, their bytes, the records in them."""
