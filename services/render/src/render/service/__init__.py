"""What render does, for its callers and for its workers."""
