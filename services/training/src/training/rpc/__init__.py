"""training over gRPC: translation only."""
