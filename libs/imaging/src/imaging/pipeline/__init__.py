"""The networks: the only part of imaging that brings torch."""
