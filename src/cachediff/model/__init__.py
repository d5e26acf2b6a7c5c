"""The nouns. No I/O, no clock, no formatting."""
