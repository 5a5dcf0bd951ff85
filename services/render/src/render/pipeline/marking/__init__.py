"""Everything a picture carries when it leaves the house."""
