"""Variant runs: a test runs again under other values of the assumptions that its requests met, to see what it needs.

This package says which runs there are, and what their results mean. It never runs a test: pytest and the command do.
"""
