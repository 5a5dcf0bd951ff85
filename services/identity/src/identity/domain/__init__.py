"""The rules of identity: pure functions on frozen data."""
