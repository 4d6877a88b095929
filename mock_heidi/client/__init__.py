"""``MockHeidi``, a server in a thread, and ``Handle``, one namespace of a running server as a test uses it.

Both read and change a namespace only through the control API, as a client in another language does, never directly.
"""
