"""What `make bench NAME=training` measures."""
