"""The ground of everything else: settings, the table of operations, assumptions, errors, JSON, words and limits.

It imports no other package of ours, and it never serves, stores or waits.
"""
