"""The race: tbwriter and its peers doing the same work, side by side. See README.md."""
