"""Values from other packages, and their forms: arrays, pixels, PNG, buckets of histograms."""
