"""One request, end to end: from the validated body to the events of the answer.

`messages` serves `/v1/messages`: routes the request, tries its candidates, decodes, judges and hands the
events on; `attempt` is one candidate's try, whose events `lawful` judges on their way out; what an upstream
says of its failures goes through `cleaning`. `turns` says whose turn it is, and `loop_guard` stops a client
that repeats itself. `health` keeps how candidates stand for all requests together (breakers, pauses, keys),
with a `line` for each provider's places. `record` notes what happens to one request and announces it, an
`exchange_log` keeps both sides of its attempts where somebody wants to see them, `session_ids` says to which
conversation it belongs; `connections` keeps one upstream client a provider; `answer_headers` says which
headers go which way; `models` (whose rows `model_rows` makes) and `prewarm` (no tokens asked) answer from
memory.

`structured_output` sees to answers that shall match a schema, by which `answer_schema` judges them;
`count_tokens` counts, and `overflow` puts counts into errors; `model_facts` is what is known of a model.

`ledger` reserves before a request is sent and books what it cost: `booking` makes the lines, `prices` the
cost, `ledger_writer` brings both to the disk, and `waiting_room` holds requests that others leave no room.

`tool_desk` makes and keeps what tools need, and answers who shows or changes it; `audit` keeps every decision
about a call. What waits for ledger and audit to write, and until when, `disk_writer` says.

The message loop: `tool_door` says what a request's tools come to (`own_tools` has the values), `tool_loop`
asks the model until it calls no more, one `answer_round` an answer, whose calls `tool_run` runs;
`rounds_usage` adds up what the rounds used. Whose tools: `toolsets` are the catalogue's, `server_tools` the
API's own `web_search` and `web_fetch` (`web_door` is their way to the web, `web_sources` cites what they
found), and `passing` judges those that the client runs, of which `owed_results` remembers what the client
never saw.
`mcp_connector` runs tools of MCP servers that a request names (`mcp_wishes` reads how), and `mcp_door` is the
tools' side of `/mcp`. `sub_conversations` holds those that the tool Task starts below its `parents`. An
answer without any of these never enters the loop.

`storage` opens what must survive: `batches` are the verbs of message batches (`batch_body` reads a new one,
`batch_worker` serves its requests through `batch_message`), `files` those of files (`file_blocks` puts them
into the blocks that name them).

It does not know HTTP towards the client: statuses and headers are `server`'s, which is given events and
errors.
"""
