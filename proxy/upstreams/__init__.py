"""Connections: who is called, with which key, and how its failures are told apart.

`base` says what an upstream is; `openai_compatible` calls one over HTTP through the openai SDK, of which
`openai_sdk` loads what is needed; `anthropic_compatible` calls one that speaks Messages itself; both wait for
an answer no longer than `deadline` lets them, answer with `http_answer`, which watches over silence, and tell
their troubles through `failures`; `demo` is a scripted model inside the process, offline. An upstream moves
bytes and does not read them.

`probe` asks a provider whether it works. `catalogue` keeps what providers list of their models: `lookup`
fetches a list, `model_entries` reads it, `profile_facts` lets it override a profile.
"""
