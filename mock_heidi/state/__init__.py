"""The records of a Heidi and the store that keeps them, with ids, clock, transitions and events.

Every verb is synchronous; it never meets a request or a rule.
"""
