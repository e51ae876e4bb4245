"""The tools Signalbox runs itself: seventeen built-in ones, one class a file, and how any tool is run.

`base` says what a tool is. `catalogue` holds all of them under their names, old names understood; `builtin`
makes those that come with the program. `runner` is the only way to run one: it checks the `arguments`, has
`consent` get the call judged (`judge` holds the rules in force, read by `policy_of`) and, where the verdict
says so, put to the `Approver` of `approvals` (identical calls as one of the `questions`), runs the tool
within its limits and announces its `course`. No tool checks its own permission. `workspaces` are opened here
and held by the calls that work in them; `guard` is the file tools' only way to the disk, `web/` the web
tools' only way to the network, `children` the only way to start a process (`child_*`: its environment,
output and end, and who sees to that after a crash). `bash` runs a command in the one pinned `shell`, held by
the `sandbox`, or leaves it to `background`. `file_text` keeps encodings and line ends, `file_state` sees that
a file was read before it is changed, `notebook` knows cells. `conversation` keeps what lives as long as a
conversation: what was read, to-do lists, background commands. Tools know nothing of requests, streams or
models.
"""
