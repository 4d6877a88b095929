"""``MockHeidi``, a server in a thread, and ``Handle``, one namespace of a running server as a test uses it.

It reads and changes a namespace only through the control API, as a client in another language does.
"""
