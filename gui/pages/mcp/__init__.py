"""The MCP page.

`page` (the table and what is done to servers), `detail` (the tabs of the chosen one), `overview`, `tools`,
`config` and `log` (the tabs; `log` shows the messages too).
"""
