"""Scalars in bulk, which need no message each: encoded for the writer, decoded for readers."""
