"""Pictures, attacks and peers of the benchmark of watermarks."""
