"""One isolated Heidi and the registry of all: state, clock, ids, journal, faults and stubs from start to end.

It knows nothing of HTTP: a request finds its namespace in ``web``.
"""
