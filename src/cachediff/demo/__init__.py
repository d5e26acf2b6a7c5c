"""An upstream to try: manifest repositories made up from a seed, as `git fast-import` streams.

Nothing here runs git, reads a file or knows the time: the same parameters give the same bytes, and
so the same commit ids, on any machine. The pages are written without what the program reads them
with, so that the one can be checked against the other.
"""

from cachediff.demo.history import demo_history
from cachediff.demo.upstream import Night, upstream_history

__all__ = ["Night", "demo_history", "upstream_history"]
