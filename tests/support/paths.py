"""Folders that tests read."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Reference material beside the checkout; it is not part of the project.
SHARED = ROOT.parent / "shared"
