"""The pages: Home, Providers, Models, Requests, Logs; each wires widgets to models, desk and bridge.

A page shows what the models hold, asks the desk when the user acts, and hears of the answer through the
bridge. It decides nothing, awaits nothing, and knows no other page: `page_asked` goes to the window.
"""
