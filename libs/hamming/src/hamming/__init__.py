"""Exact search of 256-bit codes within a Hamming distance."""

from hamming.index import MOST, Codes, Found, Index, build, pack, scan

__all__ = ["MOST", "Codes", "Found", "Index", "build", "pack", "scan"]
