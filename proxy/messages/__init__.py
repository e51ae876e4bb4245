"""The Anthropic Messages API as values: what a client sends, what it gets, and which event may follow which.

`request` is what the client sends (pydantic models; unknown fields survive). `events` and `message` are
what it gets: plain JSON objects with types, because Anthropic Messages *is* our internal form and an
unknown field must pass untouched. `stream_state` is the table that judges event order; `fold` makes the
whole message from the streamed one. `wire` reads and writes JSON, `sse` splits and makes event streams,
`errors` is the table of error types and statuses. `token_estimate` counts a request's input tokens from
`vocabulary` (text), `tool_spelling`, `media_tokens` with `image_size`, and the constants of `token_families`;
`token_correction` mends it by what upstreams counted. Pure: no I/O, no clock, no log.
"""
