"""Parties, consents and their transparency log, capture sets, and each person's key."""
