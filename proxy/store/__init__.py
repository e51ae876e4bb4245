"""What must survive a restart: message batches and files, in one SQLite database and one private folder.

`schema` declares the tables and `migrations` brings an older database up to them; `recovery` judges the
database at start, sets a broken one aside and keeps backups; `database` runs every piece of work in one
transaction on one thread. `batches` and `files` are its users and speak in the frozen values of `values`;
`folder` keeps bytes on disk. Only these modules import SQLAlchemy, and nobody imports them before a store is
opened. It does not know HTTP, upstreams or what a request means: a clock reading comes with each call.
"""
