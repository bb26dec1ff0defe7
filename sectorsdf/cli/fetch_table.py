"""The commands that fetch and their short helps, for `sectorsdf --help`.

Made by docs/cli_reference.py from the declarations in `sectorsdf.datasets`; edit those. This copy
exists because `sectorsdf --help` would be slower if it imported all of them.
"""

from __future__ import annotations

__all__ = ["FETCH_COMMANDS"]

FETCH_COMMANDS = {
    "licenses": "Mining licences.",
    "auctions": "Auctions of licence areas.",
    "auction": "Auctions in full, by code; their phases or participants.",
    "sites": "Mine sites, by reporting year and commodity.",
    "site": "Mine sites in full, by slug.",
    "resources": "Resources and reserves of sites, one row for each figure.",
}
