"""How fast cachediff is, and how much memory it takes: `python -m benchmarks` in a clone.

Every figure stands beside a baseline that was measured in the same run, a round of each in turn
(A B A B ...), on a made-up upstream of the real one's size. No time is asserted anywhere: the table
prints what was aimed at beside what was measured. `docs/performance.md` tells how to read it.
"""
