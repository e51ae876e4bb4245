"""Connections: who is called, with which key, and how its failures are told apart.

`base` says what an upstream is; `openai_compatible` calls one over HTTP through the openai SDK; `demo` is a
scripted model inside the process, offline. An upstream moves bytes and does not read them.
"""
