"""Fuzzing of what strangers send; `make fuzz` is the long form."""
