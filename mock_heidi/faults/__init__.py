"""Rules that say what goes wrong, the effects that they have, and ``Delivery``, the value that effects change.

Effects are functions of values; they never wait and never send: ``web`` does.
"""
