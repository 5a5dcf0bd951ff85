"""The networks: files in, files out; the only part of training that brings torch."""
