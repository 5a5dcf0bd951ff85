"""A witness of the log: a process of its own that cosigns heads which follow from each other.

It shares nothing with the service it watches: no settings, no database, no key. It is best run by
somebody else.
"""
