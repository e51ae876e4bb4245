"""MCP servers: read from a file, trusted before they start, watched while they run, offered as tools.

`values` says what a server is and how it stands; `app.mcp_file` reads `mcp_servers.yaml`. `supervisor`
owns all servers, with what its `surroundings` give; `server` is one server's life: `launch` says what
would start, `approvals` whether a person approved exactly that, `starter` makes it ready (`variables`
filled in, programs found by `runtimes`, `packages` in one version, downloaded once), `connection` is one
start from its launch to its `ending`.

`session` speaks MCP by the official SDK, in both eras, over `stdio_transport` (a child of ours), or over
HTTP through `remote`; `tap` hears every message, `health` probes who is idle. They come with
`connection`, which is imported in a thread when the first server starts: without servers the SDK is never
loaded.

`pins` holds what each tool says of itself against what was approved; `definitions` are one server's tools
as they are now; `canonical` and `invisible` are what both are made with; `stores` keeps approvals and
pins in two private files. `tools` makes them `Tool`s of the catalogue, `results` their answers; `logs`
keeps what a server wrote.

`gateway` answers what MCP clients ask at `/mcp`, for an `Offer` of `gateway_values`: `gateway_protocol` has
the revisions' rules from the SDK, `gateway_content` and `gateway_names` say how tools' answers, resources
and prompts are told, `gateway_sessions` and `gateway_changes` keep who is connected and what they must hear.
`remote_visit` calls servers that a request names by their URL. No HTTP path starts, stops or configures
anything.
"""
