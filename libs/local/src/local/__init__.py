"""PostgreSQL and NATS started from their wheels, for development and for tests."""
