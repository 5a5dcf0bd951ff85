"""Prices, licenses, grants, approvals and the ledger."""
