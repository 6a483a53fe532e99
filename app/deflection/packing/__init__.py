"""Judged days as columns, so that a report over months is read at once."""
