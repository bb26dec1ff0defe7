"""Sphinx configuration. ``make docs`` builds the site offline and treats warnings as errors."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import sectorsdf

project = "sectorsdf"
author = "The sectorsdf developers"
project_copyright = author
release = version = sectorsdf.__version__
# The public repository, such as "https://github.com/OWNER/sectorsdf". There is none yet. With it,
# each page gets a link to the repository and one to edit the page.
REPOSITORY = ""

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "myst_nb",
    "site_extension",
]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
nitpicky = True
# Types of other projects, the words of NumPy-style types, and names that a docstring abbreviates.
# Resolving them would need inventories from the network, or they have no page at all.
nitpick_ignore_regex = [("py:(class|obj|func|exc|attr|meth)", r"(?!sectorsdf\.).*")]

# The docstrings name objects in single backticks and state the types in their own words.
default_role = "py:obj"
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_maximum_signature_line_length = 80
add_module_names = False
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4
# The site shows the committed outputs of the notebooks; the tests run them.
nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "text/html", 0)]
suppress_warnings = ["config.cache"]

copybutton_exclude = ".linenos, .gp, .go"

html_theme = "pydata_sphinx_theme"
html_title = "sectorsdf"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/mark.svg"
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
if REPOSITORY:
    owner, name = REPOSITORY.rstrip("/").split("/")[-2:]
    html_context |= {
        "github_user": owner,
        "github_repo": name,
        "github_version": "main",
        "doc_path": "docs",
    }
# The section of each of these pages has no other page.
html_sidebars = {name: [] for name in ("index", "cli", "changelog", "gallery", "cheat-sheet")}
html_theme_options = {
    "logo": {
        "text": f"sectorsdf {release}",
        "image_light": "_static/mark.svg",
        "image_dark": "_static/mark.svg",
        "alt_text": "sectorsdf, home",
    },
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher", *(["navbar-icon-links"] if REPOSITORY else [])],
    "secondary_sidebar_items": ["page-toc", *(["edit-this-page"] if REPOSITORY else [])],
    "show_toc_level": 1,
    "navigation_with_keys": False,
    "use_edit_page_button": bool(REPOSITORY),
    "icon_links": (
        [{"name": "Repository", "url": REPOSITORY, "icon": "fa-brands fa-github"}]
        if REPOSITORY
        else []
    ),
    "back_to_top_button": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
