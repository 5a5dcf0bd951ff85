"""Pictures made, and made anew, by the small base."""
