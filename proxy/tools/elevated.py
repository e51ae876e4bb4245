"""What is said where Signalbox runs as root or administrator and starts no programs because of that."""

WAY_OUT = "start Signalbox as another user, or set `tools: {may_run_as_root: true}` in its settings"
"""What the user can do."""
COMMANDS_OFF = (
    f"Signalbox runs as root or administrator, and runs no commands then. The user has to {WAY_OUT}"
)
SERVERS_OFF = f"Signalbox runs as root or administrator, and so would the server: {WAY_OUT}"
