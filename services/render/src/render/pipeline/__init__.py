"""Networks and image code: files in, files out; no database, no gRPC."""
