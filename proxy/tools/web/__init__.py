"""The web tools' only way to the network: pages behind a guard, and search engines that the settings name.

`fetcher` requests one page: it judges the URL, every address its name has and every redirect by
`proxy.permissions.urls`, connects to what was judged, and keeps the limits of `proxy.permissions.responses`.
`resolver` is the hook through which its connections look names up. `unpack` inflates with a limit. `page` and
`pdf` turn what came into Markdown. `reader` puts these together and remembers pages for a while. `engines/`
holds the search engines, one a file, and `searcher` is the one who asks them.

`reader.WebReader` and `searcher.WebSearcher` serve the tools WebFetch and WebSearch as well as the message
loop's server tools: they return values (`values`) or raise a `FetchError` or `SearchError` with the
protocol's error code. Nobody here asks the user or knows of tools, blocks or conversations.
"""
