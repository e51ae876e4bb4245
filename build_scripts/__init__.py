"""What developers and CI run; `dev` and what it imports need the standard library only.

`dev` is the command line; it asks `debian` for system packages, `environment` for `.venv`, `checks`
for the tools that hold the rules and `clients` for the real client programs of the end-to-end test.
Each decides with pure functions and starts programs through a `Run` that it is handed. They know the
program itself only by its name. `compatibility` runs inside `.venv` and writes docs/compatibility.md.
"""
