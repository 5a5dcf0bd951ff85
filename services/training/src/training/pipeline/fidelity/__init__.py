"""What a twin version is worth: identity, marks, obedience, separation. Files in, figures out."""
