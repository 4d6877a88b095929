"""Fault rules, their effects, and ``Delivery``, the value that effects change.

Effects are functions of values. They never wait and never send: ``web`` does both.
"""
