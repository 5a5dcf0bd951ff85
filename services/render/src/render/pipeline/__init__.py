"""What touches pixels: files in, files out; the only part of render that brings torch."""
