"""Coverage of the contract: which parts of it the requests of clients have exercised, and which they never did.

It reads complete requests of the journal and counts documented names only, so its results hold no data of clients.
"""
