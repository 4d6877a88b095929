"""The command ``mock-heidi``: its commands, their options, and the log of requests that ``serve`` writes.

It starts a server, or asks a running one through ``client``. It never answers a request.
"""
