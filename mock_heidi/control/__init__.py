"""The mock's own surface, under ``/_mock``: what a test does to Heidi, and what it is told of its client."""
