"""Translators between Messages and what an upstream speaks; pure, so that recordings can prove them.

`base` says what a dialect is. `openai_chat_request`, `openai_chat_stream` and `openai_chat_errors` are the
openai-chat dialect; `profiles` holds what a server or a model family can do, as data. A dialect does not
know who is called, with which key, or when.
"""
