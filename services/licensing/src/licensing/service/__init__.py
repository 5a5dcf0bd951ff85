"""What licensing does: one method, one transaction that changes anything."""
