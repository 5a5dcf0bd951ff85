"""identity over gRPC: translation only."""
