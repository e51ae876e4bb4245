"""Search engines, one a file, all behind `base.SearchEngine`; `choice` makes the one that the settings mean.

Each engine knows how its service is asked and answers, and nothing else: `base.EngineClient` does the
requests, the searcher judges queries and filters results.
"""
