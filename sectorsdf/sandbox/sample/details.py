"""Generate the details of companies, with the licences and contracts of the other datasets."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sectorsdf.sandbox.rng import SeededRandom, Weighted
from sectorsdf.sandbox.sample.words import slugify

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from sectorsdf.sandbox.records import Record

__all__ = ["make_details"]

_PROVINCES = (
    "Kalimantan Timur",
    "Kalimantan Selatan",
    "Kalimantan Tengah",
    "Sumatera Selatan",
    "Sulawesi Tenggara",
    "Sulawesi Tengah",
    "Maluku Utara",
    "Jambi",
)
_ACTIVITIES = {
    "Mine Owner": (),
    "Contractor": ("Coal Hauling", "Coal Getting", "Transshipment", "Equipment Rental"),
    "Holding": ("Holding", "Investment", "Trading"),
    "Manufacturer": ("Nickel Refining",),
    "Trader": ("Coal Trading", "Trading"),
    "Consultant": ("Mining Services",),
}
_ACTIVITY_COUNT: Weighted[int] = Weighted({1: 81, 2: 11, 3: 4, 4: 1, 5: 1, 6: 1, 8: 0.5, 0: 0.7})
_AGREEMENTS = (
    "Overburden Removal",
    "Coal Hauling",
    "Heavy Equipment Rental",
    "Coal Terminal Service",
    "Exploration Drilling",
    "Consultancy Services",
)
_LICENSE_FIELDS = (
    "license_type",
    "license_number",
    "wiup_code",
    "province",
    "city",
    "license_effective_date",
    "license_expiry_date",
    "activity",
    "licensed_area_ha",
    "cnc",
    "generation",
    "location",
    "commodity_type",
)
# So many companies list the licences of a subsidiary as their own, and so many list a licence
# whose holder has another name in the register.
_BORROWERS = 3
_RENAMED = 3
# One company in so many names another province than that of its licences.
_ELSEWHERE = 12


def make_details(
    sample: Mapping[str, Sequence[Record]], rng: SeededRandom, count: int
) -> list[Record]:
    """Return the details of the companies of the list.

    Parameters
    ----------
    sample : mapping of str to sequence of dict
        The other datasets: companies, their owners, licences, sites and contracts.
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    """
    licenses: dict[str, list[Record]] = {}
    for row in sample["mining_licenses"]:
        if row["company_slug"] is not None:
            shown = {name: row[name] for name in _LICENSE_FIELDS}
            licenses.setdefault(row["company_slug"], []).append(shown)
    sites: dict[str, set[str]] = {}
    for row in sample["mining_sites"]:
        sites.setdefault(row["company_slug"], set()).add(row["slug"])
    borrowed = _borrowed(sample["mining_company_ownership"], licenses)
    renamed = _renamed(
        sample["mining_companies"], sample["mining_licenses"], {*licenses, *borrowed}
    )
    provinces = _provinces(sample)
    contracts = _contracts(rng, sample["mining_contracts"])
    records = []
    for number, company in enumerate(sample["mining_companies"][:count]):
        slug = company["slug"]
        detail = _detail(rng, number, company)
        if detail["operation_province"] is not None and number % _ELSEWHERE:
            detail["operation_province"] = provinces.get(slug, detail["operation_province"])
        detail["mining_license"] = [
            *licenses.get(slug, []),
            *borrowed.get(slug, []),
            *renamed.get(slug, []),
        ]
        detail["mining_contract"] = contracts.get(slug, [])
        detail["mining_site_count"] = len(sites.get(slug, ()))
        records.append({"key": slug, "answer": detail})
    return records


def _provinces(sample: Mapping[str, Sequence[Record]]) -> dict[str, str]:
    """Return the province of the first licence of each company, or else of its first site."""
    provinces: dict[str, str] = {}
    for row in sample["mining_licenses"]:
        if row["company_slug"] is not None and row["province"] is not None:
            provinces.setdefault(row["company_slug"], row["province"].split(", ")[0])
    for row in sample["mining_sites"]:
        if row["location"]["province"] is not None:
            provinces.setdefault(row["company_slug"], row["location"]["province"])
    return provinces


def _borrowed(
    ownership: Sequence[Record], licenses: Mapping[str, list[Record]]
) -> dict[str, list[Record]]:
    """Return the licences that a few companies list although a subsidiary holds them."""
    borrowed: dict[str, list[Record]] = {}
    for record in ownership:
        for child in record["answer"]["subsidiaries"]:
            if child["slug"] in licenses and len(borrowed) < _BORROWERS:
                borrowed[record["key"]] = licenses[child["slug"]]
    return borrowed


def _renamed(
    companies: Sequence[Record], licenses: Sequence[Record], with_licenses: Container[str]
) -> dict[str, list[Record]]:
    """Return a licence of a few companies that the register has under a name of no company."""
    codes = Counter(row["wiup_code"] for row in licenses)
    names = {company["name"] for company in companies}
    # A name with "Tbk." is another spelling of one in the list.
    unknown = [
        row
        for row in licenses
        if row["company_slug"] is None
        and row["company_name"].startswith("PT Contoh ")
        and "Tbk" not in row["company_name"]
        and row["company_name"] not in names
        and codes[row["wiup_code"]] == 1
    ]
    renamed: dict[str, list[Record]] = {}
    for company in companies:
        if len(renamed) == _RENAMED:
            break
        slug = company["slug"]
        is_miner = company["company_type"] == "Mine Owner" and slug.startswith("pt-contoh-")
        if is_miner and slug not in with_licenses:
            mined = company["commodity_type"]
            found = next((row for row in unknown if row["commodity_type"] in mined), None)
            if found is not None:
                unknown.remove(found)
                renamed[slug] = [{name: found[name] for name in _LICENSE_FIELDS}]
    return renamed


def _contracts(rng: SeededRandom, contracts: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the contracts of each contractor as its detail shows them."""
    found: dict[str, list[Record]] = {}
    for number, contract in enumerate(contracts):
        count = rng.integer(0, 3)
        first = rng.integer(0, len(_AGREEMENTS) - 1)
        shown = {
            "company_name": contract["mine_owner_name"],
            "company_id": str(number + 40),
            "contract_period_end": contract["contract_period_end"] or "",
            "agreement_type": list(_AGREEMENTS[first : first + count]),
        }
        found.setdefault(contract["contractor_slug"], []).append(shown)
    for contracts_of_one in list(found.values())[:1]:
        # The source has a contract of which only the kind is known.
        contracts_of_one.append(
            {
                "company_name": "",
                "company_id": "",
                "contract_period_end": "",
                "agreement_type": ["Overburden Removal"],
            }
        )
    return found


def _detail(rng: SeededRandom, number: int, company: Record) -> Record:
    kind = company["company_type"]
    domain = f"{slugify(company['name'])}.example"
    at_mine = kind == "Mine Owner" or rng.chance(0.3)
    place = f"Contoh {rng.integer(1, 400)}"
    return {
        "name": company["name"],
        "slug": company["slug"],
        "symbol": company["symbol"],
        "company_type": kind,
        "operation_province": _or_none(rng, 0.025, rng.pick(_PROVINCES) if at_mine else "Jakarta"),
        "operation_district": _or_none(rng, 0.18, place),
        "key_operation": company["key_operation"],
        "representative_address": _or_none(
            rng, 0.04, f"Jalan Contoh No. {rng.integer(1, 250)}, Jakarta 00{number:03d}"
        ),
        "website": _or_none(rng, 0.6, f"www.{domain}"),
        # No number of Indonesia begins with two zeros and a hyphen.
        "phone_number": _or_none(rng, 0.3, f"00-{rng.digits(8)}"),
        "email": _or_none(rng, 0.4, f"kontak@{domain}"),
        "activities": _activities(rng, company),
        "commodity_type": company["commodity_type"],
    }


def _or_none(rng: SeededRandom, share: float, text: str) -> str | None:
    return None if rng.chance(share) else text


def _activities(rng: SeededRandom, company: Record) -> list[str]:
    mined = tuple(f"{commodity} Mining" for commodity in company["commodity_type"])
    # Each at most once, in the order in which they are written here.
    known = dict.fromkeys((*_ACTIVITIES[company["company_type"]], *mined, *_AGREEMENTS))
    return list(known)[: rng.draw(_ACTIVITY_COUNT)]
