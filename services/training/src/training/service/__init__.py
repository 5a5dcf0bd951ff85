"""What training does, for its callers and for its workers."""
