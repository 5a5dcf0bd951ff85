"""render over gRPC: translation only."""
