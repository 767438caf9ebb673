"""Outcome cases: what a kernel must answer and write, each a start, an operation, one text."""
