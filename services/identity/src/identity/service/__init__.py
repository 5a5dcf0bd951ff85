"""What identity does: every public method is one transaction."""
