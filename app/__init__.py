"""The program: its command line, its settings and keys, its logs, and the wiring of window and proxy.

`cli` reads the command line and starts one of the two wirings: `headless` (asyncio only) or `desktop`
(Qt), or one of `demo`, `doctor` and `key_commands`. Both wirings make a `controller`, which owns what runs
and implements `gui.desk.Desk` with the help of `proxy_runner`, `provider_desk`, `alias_desk`,
`connect_lines`, `exchanges` and `log_relay`. It works on a `configuration`: the current `settings` (kept
by `settings_store`, read by `settings_document`, changed by `settings_edit`, brought up to date by
`migrations`) and the keys (`secrets`, over `keyring_access`), made into the proxy's config by
`proxy_config`. `local_token` finds the token that clients must carry. `logs` is the one log pipeline,
`log_lines` says what its lines hold, and `redaction` (with its names and shapes) what they do not.
`environment` is the only reader of environment variables, `paths` says where our files are, `files` how they
are written, `instance` is the control channel of the running program, and `running_program` what commands ask
it there.

Nothing here but `desktop` and its loop knows Qt, and `serve` never imports it.
"""
