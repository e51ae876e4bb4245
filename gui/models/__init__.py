"""One item model a table: requests, logs, providers, aliases, and the proxies that filter them.

Models take batches from `gui.bridge` and announce each batch with one insertion (and, when full, one
removal). `titled_table` is what they have in common. They know the desk's values and how to word them; they
know no view and ask the desk nothing.
"""
