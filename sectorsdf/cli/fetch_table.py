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
    "commodities": "Commodities with prices, and the days that are covered.",
    "prices": "Prices of commodities, by day.",
    "companies": "Mining companies.",
    "company": "Companies in full, by slug; their licences or contracts.",
    "ownership": "Owners and subsidiaries of companies, one row for each pair.",
    "financials": "Assets, revenue and profit of companies, by year.",
    "performance": "Production and sales of companies, by year and commodity.",
    "contracts": "Contracts between mine owners and contractors.",
    "exports": "Exports by destination, commodity and year.",
    "global": "Reserves, trade and production of the world's countries.",
    "destinations": "Destinations of companies' sales, by year.",
    "production": "Indonesia's production, by commodity and year.",
    "reserves-index": "Provinces, commodities and years with resources and reserves.",
    "reserves": "Resources and reserves of provinces, one row for each figure.",
}
