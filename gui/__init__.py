"""The window and the tray: shows what the proxy announces and asks the program through one Protocol.

`desk` is that Protocol with its values, free of Qt, so that the headless program implements it too.
`bridge` turns events into batched signals; `models` consume signals; `pages`, `dialogs` and `widgets`
show models; `main_window` and `tray` hold them. Nothing here decides, awaits or touches a file.
"""
