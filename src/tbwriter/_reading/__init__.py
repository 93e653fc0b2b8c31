"""The values of records: columns of scalars, runs, data frames; `reader` is the public part."""
