"""Rows of licensing: functions that take the transaction."""
