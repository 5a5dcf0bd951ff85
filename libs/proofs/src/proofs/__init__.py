"""Receipts, heads of the log and their proofs, checked with nothing but the log's public key.

It opens no connection, reads no settings and knows no service: whoever doubts the house can run
it elsewhere. Bytes that cannot be what they claim are `Malformed`; what is well formed and proves
nothing is said in words.
"""

from proofs.encoding import Malformed
from proofs.growth import find_fork
from proofs.notes import Head, Note, VerifierKey, open_head, parse_head, parse_note
from proofs.receipts import Check, Receipt, check, examine, parse_receipt
from proofs.tree import is_consistent, is_included

__all__ = [
    "Check",
    "Head",
    "Malformed",
    "Note",
    "Receipt",
    "VerifierKey",
    "check",
    "examine",
    "find_fork",
    "is_consistent",
    "is_included",
    "open_head",
    "parse_head",
    "parse_note",
    "parse_receipt",
]
