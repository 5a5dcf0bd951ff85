"""The rules of training: pure functions on frozen data."""
