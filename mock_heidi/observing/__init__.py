"""The record of the client's requests: the journal, its redaction, filters, expectations, findings and their checks.

It reads requests and answers. It never changes an answer or the state.
"""
