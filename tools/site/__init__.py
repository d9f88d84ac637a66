"""The documentation as a site: `python -m tools.site OUTPUT` builds it.

| module | its job |
|---|---|
| `conf.py` | the configuration of Sphinx |
| `navigation.toml` | the order of the pages |
| `sources` | lays out what Sphinx reads: pages, source files, the API reference |
| `public` | which names are public, and where the reference shows each |
| `pages_of_api`, `docstrings`, `references` | the API reference, from docstrings |
| `side_bar` | the list of pages beside each page |
| `mermaid`, `sequence`, `flowchart` | diagrams as SVG |
| `verdict_data` | what the page of the verdict table filters |
| `policy` | the content security policy of each page |
"""
