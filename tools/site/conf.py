"""The configuration of Sphinx for the site; `python -m tools.site` runs it."""

from importlib.metadata import version as version_of

project = "ccw-actors"
author = "The ccw-actors contributors"
project_copyright = "the ccw-actors contributors"
version = release = version_of("ccw-actors")
language = "en"
root_doc = "index"
nitpicky = True

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "tools.site.docstrings",
    "tools.site.mermaid",
    "tools.site.policy",
    "tools.site.references",
    "tools.site.side_bar",
]

# Pages are GitHub's Markdown: headings have the anchors that GitHub gives them.
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_heading_anchors = 6
myst_fence_as_directive = {"mermaid"}
# Levels of headings are what reads well on GitHub: the glossary begins at the third.
suppress_warnings = ["myst.header"]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"
add_module_names = False

html_theme = "furo"
html_title = f"ccw-actors {release}"
html_favicon = "static/icon.svg"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_domain_indices = False
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b57a4",
        "color-brand-content": "#0b57a4",
        "font-stack": "system-ui, sans-serif",
        "font-stack--monospace": "ui-monospace, monospace",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7ab7f5",
        "color-brand-content": "#7ab7f5",
    },
}
pygments_style = "tango"
pygments_dark_style = "github-dark"

linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_workers = 4
