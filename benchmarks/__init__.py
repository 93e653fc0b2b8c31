"""The race: tbwriter and its rivals doing the same work, side by side. See README.md."""
