"""The public edge: a REST API and web pages over the other services. It has no rules of its own."""
