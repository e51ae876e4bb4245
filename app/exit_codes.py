"""What the program's exit status means; other people's scripts rely on these numbers."""

OK = 0
FAILED = 1
BROKEN_SETTINGS = 2
"""Also a command line, an env file or a token that cannot be used."""
PORT_IN_USE = 3
