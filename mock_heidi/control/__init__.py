"""The control API under ``/_mock``, one module per resource. Tests use it to change Heidi and to inspect its client.

It changes the state, the clock, the faults and the stubs of a namespace. It never changes an answer of the API itself.
"""
