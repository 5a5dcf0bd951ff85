"""Pictures, faces in them, and the networks that draw them."""
