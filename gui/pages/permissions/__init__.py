"""The page Tools & permissions.

`page` holds the header and the tabs `tools`, `rules`, `try_call`, `workspaces` and `safety`, each of which
asks the desk for itself.
"""
