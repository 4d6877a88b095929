"""Recorded traffic of the real service, compared with the contract: settled assumptions, new and missing fields.

It reads HAR files. It never connects to anything, and its results hold no recorded value.
"""
