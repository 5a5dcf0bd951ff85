"""Marks on a finished picture, and reading them again."""
