"""Bytes that are signed, and signatures over them."""
