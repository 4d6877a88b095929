"""The foundation of the other packages: settings, the table of operations, assumptions, errors, JSON and limits.

It imports no other package of ours, and it never serves, stores or waits.
"""
