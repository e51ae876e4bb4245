"""Windows over the window: the editors of a provider and of an alias, and About.

Opened with `open()`, never `exec()`, so that nothing blocks the loop; they hold what the user typed, hand
it to the desk when he accepts it, and stay open with the desk's sentence when it refuses.
"""
