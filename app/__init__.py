"""The program: its command line, its settings and keys, its logs, and the wiring of window and proxy.

ARCHITECTURE.md says what stands where; this is how it hangs together. `cli` reads the command line and
starts one of the two wirings, `headless` (asyncio only) or `desktop` (Qt), or one command. Both wirings
make a `controller`, which owns what runs, the server through `proxy_runner`, and implements
`gui.desk.Desk`. It works on a `configuration`: the current settings and the keys, made into the proxy's
config by `proxy_config`, the tools' part of it by `tool_config`. `rules_file` and `workspace_files` read
rules that stand outside the settings, `mcp_settings` says what the file of MCP servers may hold, and
`mcp_rules` makes permissions of their tools. `connect_lines` are what Claude Code needs, `exit_codes` what
scripts may rely on.

No module here but `desktop` and `qt_loop` needs Qt, and `serve` never imports it.
"""
