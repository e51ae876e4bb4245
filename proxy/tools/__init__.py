"""The tools Signalbox runs itself: fifteen built-in ones, one class a file, and how any tool is run.

`base` says what a tool is. `catalogue` holds all of them under their names, old names understood; `runner` is
the only way to run one: it checks the arguments, has the call judged (`proxy.permissions`), asks the
`Approver` where the verdict says so, runs the tool within its limits and notes the decision. No tool checks
its own permission. `guard` is the file tools' only way to the disk, `web/` the web tools' only way to the
network, `children` the only way to start a process. `conversation` keeps what lives as long as a
conversation: what was read, to-do lists, background commands. Tools know nothing of requests, streams or
models.
"""
