"""Decides what a tool call may do, in Claude Code's rule syntax; pure: values in, a verdict out.

`accesses` reads from a call's input what it would touch. `rules` reads rules, `rule_problems` finds those
that do nothing or mean more than they look. `engine.judge` weighs a call under a `Policy` at a `Place`: deny,
ask, allow, then the mode. `paths` matches path rules, `urls` and `domains` judge addresses, `shell` takes a
command line apart, `shell_strict` and `shell_claude_code` judge its parts under the two policies. What must
be known of the machine (where a path really leads) is asked through `Place.look`; nothing here touches a
file, a network, a clock or a log, and nothing here runs or asks anybody. `approval` has the values of asking.
"""
