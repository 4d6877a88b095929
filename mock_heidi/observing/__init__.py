"""The record of what the client did: the journal, what it may show, filters, expectations, findings and their checks.

It reads what was asked and answered, and it never changes an answer or the state.
"""
