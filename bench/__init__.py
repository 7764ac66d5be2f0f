"""``./dev bench``: what the ordering core can do, measured beside the limits of what it stands on.

It starts services and a fleet of its own in a directory of its own, puts load on them, and compares
every figure with a limit that was measured in the same run. See docs/performance.md.
"""
