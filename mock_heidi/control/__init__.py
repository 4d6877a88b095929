"""The control API under ``/_mock``, a module for each resource: what a test does to Heidi and learns of its client.

It never changes how the API answers by itself; it only sets state, clock, faults and stubs of a namespace.
"""
