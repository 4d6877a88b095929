"""One path for every request to the API: routed, admitted, read, worked on, shaped by faults, played, journaled.

It decides nothing about the vendor's data: the operations are in ``api``.
"""
