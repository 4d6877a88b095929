"""Namespaces, which are isolated Heidis, and their registry: state, clock, ids, journal, faults and stubs.

It never handles HTTP: ``web`` finds the namespace of a request.
"""
