"""The texts that Heidi hears and writes: transcripts, notes, answers, custom templates, and the faults in such texts.

Its functions turn values into text or numbers; they never see a request, a store or a clock.
"""
