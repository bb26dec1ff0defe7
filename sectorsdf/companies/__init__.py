"""Whose licence it is: names, links between licences and companies, and ownership.

Pure functions over frames that the getters return: none sends a request. Links are exact, or made
by equal keys of names, or confirmed by a person; similar names are suggestions only. This package
must not import `mining`, `client`, `paging`, `http` or `cli`.
"""

from __future__ import annotations

from sectorsdf.companies.cover import license_cover
from sectorsdf.companies.graph import ownership_graph
from sectorsdf.companies.links import link_companies
from sectorsdf.companies.names import parse_company_name
from sectorsdf.companies.ownership import owned_by, owners_of
from sectorsdf.companies.ownership_checks import check_ownership
from sectorsdf.companies.sentences import cover_sentences
from sectorsdf.companies.suggestions import suggest_links

__all__ = [
    "check_ownership",
    "cover_sentences",
    "license_cover",
    "link_companies",
    "owned_by",
    "owners_of",
    "ownership_graph",
    "parse_company_name",
    "suggest_links",
]


def __dir__() -> list[str]:
    return __all__.copy()
