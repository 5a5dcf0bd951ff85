"""Rules of licensing: pure functions on frozen data."""
