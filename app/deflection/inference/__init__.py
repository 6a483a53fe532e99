"""Intervals, posteriors and tests: pure formulas, each with its source."""
