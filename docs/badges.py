"""Draw the badges of the README from the project's metadata.

Run ``python docs/badges.py``. The badges are files in this repository, so they need no service.
A test fails if one of them is out of date.
"""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
# About the width of a letter of the font, in pixels.
_LETTER = 6.6


def facts() -> dict[str, tuple[str, str]]:
    """Return the label and the text of each badge, by its name."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pythons = re.findall(r":: (3\.\d+)$", setup["metadata"]["classifiers"], re.MULTILINE)
    pandas = re.search(r"^pandas>=([\d.]+),<(\d+)$", setup["options"]["install_requires"], re.M)
    if pandas is None:
        message = "setup.cfg does not say from which pandas on and up to which the package works"
        raise ValueError(message)
    return {
        "tests": ("tests", f"pandas {pandas[1]} and {int(pandas[2]) - 1}"),
        "licence": ("licence", project["license"]),
        "python": ("Python", f"{pythons[0]} to {pythons[-1]}"),
    }


def badge(label: str, text: str) -> str:
    """Return a badge as SVG."""
    left, right = (round(len(part) * _LETTER + 14) for part in (label, text))
    width = left + right
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" \
aria-label="{label}: {text}">
  <title>{label}: {text}</title>
  <clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>
  <g clip-path="url(#r)">
    <rect width="{left}" height="20" fill="#444c56"/>
    <rect x="{left}" width="{right}" height="20" fill="#1f4e79"/>
  </g>
  <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
    <text x="{left / 2}" y="14">{label}</text>
    <text x="{left + right / 2}" y="14">{text}</text>
  </g>
</svg>
"""


if __name__ == "__main__":
    for name, (label, text) in facts().items():
        (IMAGES / f"badge-{name}.svg").write_text(badge(label, text), encoding="utf-8")
