"""HTTP: takes requests in and sends answers out, and turns strangers away before anything is parsed.

`app` binds the port and owns what runs on it; `connection` guards each TCP connection (time-outs, how many,
the parser's errors); `door` holds the checks every request passes before its body is read; `hints` reads what
a client says a request is for; `body` reads that body, `large_body` streams one to the disk; `routes` maps
paths to `handlers`, `batches` and `files`, each given a `call`; `sse_response` sends a streamed answer with
its pings; `responses` makes JSON answers and errors. `mcp` answers `/mcp` and `/mcp-servers`, with
`mcp_message` (one JSON-RPC message) and `mcp_stream` (answers that take time). It does not know models,
upstreams or dialects: that is `service`.
"""
