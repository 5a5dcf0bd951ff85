"""The part that brings torch."""
