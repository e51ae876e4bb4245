"""The building blocks of pages: labels, tables, cards, banners, fields; each knows only theme and text.

`text` is the one way words reach the screen: plain, named for screen readers, never rich text. The rest
are small widgets that announce what the user did by signals and are told what to show by methods.
"""
