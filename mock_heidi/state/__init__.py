"""The records of a Heidi and the store that keeps them, with ids, clock, transitions and events.

Every method of the store is synchronous. The package never handles a request or a fault.
"""
