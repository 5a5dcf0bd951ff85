"""Rules of render: pure functions on frozen data."""
