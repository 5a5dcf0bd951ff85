"""Twins: bases, runs, adapters and how like their talent they are."""
