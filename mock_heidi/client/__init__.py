"""Heidi in the hand of a test: ``MockHeidi`` serves from a thread, a ``Handle`` speaks to one namespace.

It reaches the state only through the control API, as a client in any other language does.
"""
