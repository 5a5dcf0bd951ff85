"""SQL: functions that take the transaction and return domain objects."""
