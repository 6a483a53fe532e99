"""Reaching a person, and what becomes of it."""
