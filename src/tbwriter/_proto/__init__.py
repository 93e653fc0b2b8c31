"""Protobuf, encoded and decoded; the schema of event files, each number once."""
