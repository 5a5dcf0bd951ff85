"""Training a small base pipeline from a corpus of captioned pictures."""
