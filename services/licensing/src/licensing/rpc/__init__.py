"""licensing over gRPC: translation only."""
