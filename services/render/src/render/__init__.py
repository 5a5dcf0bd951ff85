"""Campaigns, briefs and their pictures; the marks in them, and what a found one says."""
