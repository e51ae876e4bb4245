"""What keeps a test honest: no network, no stray log line, no real home, no blocked loop.

`tests/conftest.py` switches each guard on for every test. `network` refuses to leave the machine,
`logs` collects what was logged, `home` makes the folders and the environment of one test,
`shared_data` finds the recordings and corpora that several checkouts share.
"""
