"""MCP servers: read from a file, trusted before they start, watched while they run, offered as tools.

`values` says what a server is and how it stands. `config` reads `mcp_servers.yaml`, `imports` and `bundles`
what other programs have; nothing is started by reading. `trust` binds an approval to the exact command and
pins what each tool said of itself; `packages` turns a package's name into one version. `runtimes` finds uvx,
npx, node, python and docker. `session` speaks MCP with one server, in both eras of the protocol, by the
official SDK. `supervisor` owns all of them: starts in parallel, probes, restarts with patience, stops whole
process groups. `tools` makes a server's tools `Tool`s of the catalogue; `gateway` offers the catalogue at
`/mcp`. No HTTP path starts, stops or configures anything.
"""
