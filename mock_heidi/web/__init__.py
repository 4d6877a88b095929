"""The path of every request to the API: admit its caller, read it, run its handler, apply faults, send, journal.

It never decides about the vendor's data: the operations are in ``api``.
"""
