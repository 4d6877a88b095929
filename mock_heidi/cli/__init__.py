"""The command ``mock-heidi``: its commands, their options, and the log of requests that ``serve`` writes.

It never answers a request: it starts a server, or speaks to a running one through ``client``.
"""
