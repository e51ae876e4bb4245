"""What must survive a restart: batches, files, the ledger, the audit; in one SQLite database and one folder.

`schema` declares the tables, `migrations` brings an older database up to them; `folder_lock` keeps a second
process out; `recovery` judges the database at start, sets a broken one aside and keeps backups; `database`
runs every piece of work in one transaction on one thread. `batches`, `files`, `ledger` (tables in
`ledger_schema`) and `decisions` (in `decisions_schema`) are its users and speak in frozen values: those of
`values` and `ledger_values`, and the proxy's events; `ledger_reader` reads past requests from outside;
`folder` keeps bytes on disk. Tables and statements run on PostgreSQL too, as the tests prove; all else is of
SQLite's file. Nobody imports a module that needs SQLAlchemy before a store is opened. It does not know HTTP,
upstreams or what a request means: a clock reading comes with each call.
"""
