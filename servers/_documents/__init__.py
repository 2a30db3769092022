"""Documents of offices as Markdown text: PDF, Word, Excel, PowerPoint, web pages, mails. See `reader`.

Only `reader` imports the library: everything else runs in a process of its own, which starts without it. A server that
imports this names the packages of requirements/filesystem.in in requirements of its own.
"""
