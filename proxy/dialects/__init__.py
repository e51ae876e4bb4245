"""Translators between Messages and what an upstream speaks; pure, so that recordings can prove them.

`base` says what a dialect is, `registry` which one serves a name of the settings. A dialect does not know
who is called, with which key, or when.

`openai_chat` is the openai-chat dialect. Request: `openai_chat_request` (the payload), `_messages` and
`_turns` (the conversation), `_content` (blocks as parts), `_tools` and `tool_schema` (functions),
`_reasoning` (how much to think). Answer: `openai_chat_stream` (bytes to chunks, and how an answer ends),
`_answer` (deltas to content), `_calls` (which call a delta belongs to), `_usage`. `blocks` and
`block_queue` keep one block open at a time; `text_pieces` holds what text may be cut at; `_errors` reads
failures. `tool_ids` and `reasoning_details` carry what an upstream wants back through the client,
`web_citations` shows its searches, and `profiles` holds what a server or a model family can do, as data.

`own_calls` makes calls that Signalbox ran into blocks a client keeps, and calls and results of them again;
`web_results` is what a model is told of such a search or page.

`anthropic_messages` passes Messages through: `foreign_blocks` takes out what other upstreams left,
`anthropic_messages_stream` judges the answer, `unfold` makes events of a whole one.
"""
