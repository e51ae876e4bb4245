"""Choices, pure: which upstream and model serve a request, in which order, how often, and why.

`conditions` chooses the alias by what the request is like, `aliases` turns a name into candidates,
`candidates` puts them in order, and `progress` says what to do next: try one, wait, or give up. `retry` knows
which failures may pass and how long to wait, `circuit_breaker` when a candidate is left alone, `reopening`
how many are let back at once after a rate limit, `keys` which of several keys is taken, `budgets` whether a
request may still be paid for, `dearness` which candidates cost more than the user chose to pay, `repeats`
when the same request came too often, `token_limits` what a client's token may use. They call nobody; clock,
counts and random numbers are handed in.
"""
