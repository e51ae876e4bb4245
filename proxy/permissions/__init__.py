"""Decides what a tool call may do, in Claude Code's rule syntax; pure: values in, a verdict out.

`engine` is the front: judge a call, name the tools nobody may call, suggest a rule (`suggestions`).
`judgement` weighs a call under a `Policy` at a `Place`: deny, ask, allow, then the mode (`modes`). `values`
has what goes in and out, `approval` the values of asking, `wording` how reasons quote.

Rules: `rules` reads them (`tool_names`, `command_patterns`, `wildcards`), `rule_problems` finds those that do
nothing or mean more than they look (`risky_programs`), `rule_words` says them in words, `claude_files` takes
them from Claude Code's settings and writes them back (`json_edits`, `json_spans`).

What a call would touch (`accesses`): paths (`paths`, `path_*`, `protected`), addresses (`urls`, `url_*`,
`domains`, `hosts`, `addresses`, `responses`) and command lines. `shell` takes a line apart (`shell_values`).
`shell_strict` judges it under the policy `strict`, with what it knows of programs and their options;
`shell_claude_code` under `claude-code`, with the harmless commands of `read_only_commands`, the wrappers of
`shell_stripped` and the file commands of `shell_edits`. `shell_deny` looks for denied commands under both.

What must be known of the machine (where a path really leads) is asked through `Place`; nothing here touches a
file, a network, a clock or a log, and nothing here runs or asks anybody.
"""
