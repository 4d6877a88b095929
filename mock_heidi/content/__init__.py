"""Transcripts, notes, answers, custom templates and durations of audio, and the faults in written texts.

Its functions turn values into texts or numbers. They never use a request, a store or a clock.
"""
