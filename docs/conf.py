"""How Sphinx builds the documentation site. `scripts/build_site.py` calls it with a copy of this folder.

Owns the order of the pages and how the site looks. Must not know how it is served.
"""

import re
from pathlib import Path
from typing import Final

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

project = "Rowen"
html_title = "Rowen"
extensions = ["myst_parser"]
myst_heading_anchors = 6  # GitHub's anchors, which the links use
nitpicky = True
smartquotes = False  # two hyphens begin an option
exclude_patterns = ["_templates"]

html_theme = "furo"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1f6f54",
        "color-brand-content": "#1f6f54",
        "color-code-background": "#f6faf8",
    },
    "dark_css_variables": {"color-brand-primary": "#6fcfa8", "color-brand-content": "#6fcfa8"},
    "footer_icons": [],
}
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["rowen.css"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "interactive-reference.html",
        "sidebar/scroll-end.html",
    ]
}
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
pygments_style = "github-light"
pygments_dark_style = "github-dark"

PAGES: Final = {
    "Tutorials": ["tutorials/getting-started"],
    "How-to guides": [
        "how-to/start-from-nothing",
        "how-to/read-interviews",
        "how-to/schedule-interviews",
        "how-to/follow-changes",
        "how-to/receive-webhooks",
        "how-to/import-interviews",
        "how-to/mirror-an-account",
        "how-to/export-interviews",
        "how-to/manage-records",
        "how-to/manage-keys",
        "how-to/manage-clients",
        "how-to/say-who-can-when",
        "how-to/find-a-time",
        "how-to/book-an-onsite",
        "how-to/subscribe-to-calendars",
        "how-to/sign-people-in",
        "how-to/plan-on-the-board",
        "how-to/run-interviews",
        "how-to/deploy",
        "how-to/run-with-docker",
        "how-to/run-with-systemd",
        "how-to/back-up",
        "how-to/monitor",
        "how-to/troubleshoot",
        "how-to/upgrade",
        "how-to/move-to-postgresql",
        "how-to/run-several-servers",
    ],
    "Reference": [
        "reference/api",
        "reference/calls",
        "reference/v3",
        "reference/clients",
        "reference/contract",
        "reference/webhooks",
        "reference/commands",
        "reference/settings",
        "reference/limits",
        "reference/storage",
        "reference/glossary",
    ],
    "Explanation": [
        "explanation/architecture",
        "explanation/scaling",
        "explanation/finding-times",
        "explanation/background-tasks",
        "explanation/security",
        "decisions/index",
    ],
    "Project": ["project/changes", "project/figures", "project/contributing", "project/vulnerabilities"],
}
"""The pages of each part in the order of the menu. The build fails for a page that is missing here."""

_INLINE_SCRIPT: Final = re.compile(r"<script>\s*(document\.body\.dataset\.theme = [^<]*?)\s*</script>")


def _add_menu(_: Sphinx, page: str, source: list[str]) -> None:
    """Add the menu to the first page, where GitHub does not show it."""
    if page == "index":
        parts = [f":caption: {caption}\n:hidden:\n\n" + "\n".join(pages) for caption, pages in PAGES.items()]
        source[0] += "".join(f"\n```{{toctree}}\n{part}\n```\n" for part in parts)
    if page == "decisions/index":
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\n[0-9]*\n```\n"


def _move_inline_script(app: Sphinx, error: Exception | None) -> None:
    """Put the theme's inline script into a file: the server's Content-Security-Policy allows no inline scripts."""
    if error is not None:
        return
    site = Path(app.outdir)
    for page in site.rglob("*.html"):
        static = "../" * (len(page.relative_to(site).parts) - 1) + "_static"
        text = page.read_text()
        script = _INLINE_SCRIPT.search(text)
        if script is None:
            raise ExtensionError(f"{page} has no inline script of the theme: has Furo changed?")
        (site / "_static/theme.js").write_text(script[1])
        page.write_text(text.replace(script[0], f'<script src="{static}/theme.js"></script>'))


def setup(app: Sphinx) -> None:
    """Connect what the site needs beyond its settings."""
    app.connect("source-read", _add_menu)
    app.connect("build-finished", _move_inline_script)
