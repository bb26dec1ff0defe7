"""The rows that are due of the answers that are no plain records, worked out by other code.

As in `reference`, what stands here was written from the provider's documentation and shares nothing
with the package. An answer is parsed JSON; `key` is what it was asked for.
"""

from __future__ import annotations

import json
import re

COMMODITIES = {
    "name": "text",
    "data_points": "whole",
    "earliest_date": "day",
    "latest_date": "day",
    "price_unit": "text",
}
PRICES = {"commodity": "text", "date": "day", "price": "number", "unit": "text"}
COMPANIES = {
    "slug": "text",
    "name": "text",
    "symbol": "text",
    "company_type": "text",
    "key_operation": "text",
    "commodity_types": "text",
    "aluminium": "flag",
    "coal": "flag",
    "copper": "flag",
    "gold": "flag",
    "nickel": "flag",
    "silver": "flag",
    "zinc_and_lead": "flag",
}
COMPANY = {
    **COMPANIES,
    "operation_province": "text",
    "operation_district": "text",
    "website": "text",
    "activities": "text",
    "mining_site_count": "whole",
}
COMPANY_LICENSES = {
    "slug": "text",
    "wiup_code": "text",
    "license_number": "text",
    "license_type": "text",
    "province": "text",
    "city": "text",
    "license_effective_date": "day",
    "license_expiry_date": "day",
    "activity": "text",
    "licensed_area_ha": "number",
    "location": "text",
    "longitude": "number",
    "latitude": "number",
    "location_geojson": "text",
    "commodity_type": "text",
    "cnc": "text",
    "generation": "text",
}
COMPANY_CONTRACTS = {
    "slug": "text",
    "contract_index": "whole",
    "company_name": "text",
    "company_id": "text",
    "contract_period_end": "day",
    "agreement_types": "text",
}
OWNERSHIP = {
    "parent_slug": "text",
    "parent_name": "text",
    "parent_symbol": "text",
    "child_slug": "text",
    "child_name": "text",
    "child_symbol": "text",
    "percentage_ownership": "number",
    "seen_from": "text",
}
FINANCIALS = {
    "slug": "text",
    "symbol": "text",
    "name": "text",
    "year": "whole",
    "assets_usd": "number",
    "revenue_usd": "number",
    "cost_of_revenue_usd": "number",
    "net_profit_usd": "number",
}
BREAKDOWN = {
    "slug": "text",
    "year": "whole",
    "statement": "text",
    "item": "text",
    "value": "number",
    "unit": "text",
}
_PERFORMED = {
    "slug": "text",
    "year": "whole",
    "commodity_type": "text",
    "commodity_sub_type": "text",
}
PERFORMANCE = {
    **_PERFORMED,
    "mining_operation_status": "text",
    "production_volume": "number",
    "sales_volume": "number",
    "unit": "text",
    "overburden_removal_volume": "number",
    "overburden_unit": "text",
    "strip_ratio": "number",
    "resources_reserves": "text",
    "products": "text",
}
_FIGURE = {
    "measurement_year": "whole",
    "ore_type": "text",
    "stage": "text",
    "category": "text",
    "component": "text",
    "measure": "text",
    "value": "number",
    "value_min": "number",
    "value_max": "number",
    "unit": "text",
    "verified": "flag",
    "source_field": "text",
    "raw": "text",
}
COMPANY_RESOURCES = {**_PERFORMED, **_FIGURE}
PRODUCTS = {
    **_PERFORMED,
    "product_index": "whole",
    "product_name": "text",
    "property": "text",
    "basis": "text",
    "value_min": "number",
    "value_max": "number",
    "unit": "text",
}
CONTRACTS = {
    "mine_owner_slug": "text",
    "mine_owner_name": "text",
    "contractor_slug": "text",
    "contractor_name": "text",
    "contract_period_end": "day",
}
EXPORTS = {
    "commodity_type": "text",
    "year": "whole",
    "rank": "whole",
    "country": "text",
    "export_usd": "number",
    "volume_bps": "number",
    "volume_esdm": "number",
    "volume_unit": "text",
}
GLOBAL_COMMODITIES = {
    "country": "text",
    "commodity_type": "text",
    "year": "whole",
    "measure": "text",
    "rank": "text",
    "value": "number",
    "unit": "text",
}
RESERVES_INDEX = {"province": "text", "commodity_type": "text", "year": "whole"}
PROVINCE_RESOURCES = {**RESERVES_INDEX, **_FIGURE}
SALES_DESTINATIONS = {
    "slug": "text",
    "year": "whole",
    "destination": "text",
    "is_region": "flag",
    "commodity_type": "text",
    "revenue_usd": "number",
    "percentage_of_total_revenue": "number",
    "volume": "number",
    "percentage_of_sales_volume": "number",
    "unit": "text",
}
TOTAL_PRODUCTION = {
    "commodity_type": "text",
    "year": "whole",
    "production_volume": "number",
    "unit": "text",
    "api_unit": "text",
    "prev_year_volume": "number",
    "yoy_change_pct": "number",
    "api_yoy_change_pct": "number",
}

_OUNCES = {"Gold", "Silver", "Gold as a co-product", "Silver as a co-product"}
_DRY = {"Nickel", "Cobalt", "Lead", "Zinc", "Aluminum", "Copper"}
_OF_GRADE = {"Manganese", "Iron", "Chromium", "Titanium"}
_FLAGS = {
    "aluminium": "Aluminium",
    "coal": "Coal",
    "copper": "Copper",
    "gold": "Gold",
    "nickel": "Nickel",
    "silver": "Silver",
    "zinc_and_lead": "Zinc and Lead",
}
_METALS = {
    "Gold": "Au",
    "Silver": "Ag",
    "Copper": "Cu",
    "Nickel": "Ni",
    "Cobalt": "Co",
    "Tin": "Sn",
}
_UNITS = {"pct": "%", "g_per_ton": "g/t", "kt": "Kt"}
_KEY = re.compile(
    r"(?:(?P<component>ore|Au|Ag|Cu|Ni|Co|Fe|SiO2|MgO|Al2O3)_)?"
    r"(?:(?P<category>inferred|indicated|measured|probable|proven|total)_)?"
    r"(?P<stage>reserves|resources)(?P<verified>_verify)?"
    r"_(?P<unit>Mt|kt|Kt|koz|wmt|dmt|pct|g_per_ton)"
)
_PROPERTIES = {
    "calorific_value_kcal": ("calorific_value", None, "kcal/kg"),
    "total_moisture_pct": ("total_moisture", None, "%"),
    "ash_content_arb": ("ash_content", "arb", "%"),
    "total_sulphur_arb": ("total_sulphur", "arb", "%"),
    "ash_content_adb": ("ash_content", "adb", "%"),
    "total_sulphur_adb": ("total_sulphur", "adb", "%"),
    "volatile_matter_adb": ("volatile_matter", "adb", "%"),
    "fixed_carbon_adb": ("fixed_carbon", "adb", "%"),
    "Au_g_per_ton": ("Au", None, "g/t"),
    **{
        f"{name}_pct": (name, None, "%")
        for name in ("Cu", "Ni", "Co", "Fe", "SiO2", "MgO", "Al2O3")
    },
}
_REGIONS = {
    "Others",
    "Northeast Asia",
    "South Asia (India, Pakistan and Bangladesh)",
    "Southeast Asia (Malaysia, Philippines, Singapore and Vietnam)",
}


# Commodities


def price_unit(name):
    """Return the unit of a series."""
    if name in _OUNCES:
        return "USD/oz"
    if name in _DRY:
        return "USD/dmt"
    if name in _OF_GRADE:
        return "unknown"
    assert name.startswith("Coal")
    return "USD/t"


def commodities(answer, key):
    """Return the series."""
    return [{**item, "price_unit": price_unit(item["name"])} for item in answer]


def prices(answer, key):
    """Return the prices of a series."""
    return [
        {
            "commodity": item["name"],
            "date": item["date"],
            "price": item["price_usd_per_ton"],
            "unit": price_unit(item["name"]),
        }
        for item in answer
    ]


# Companies


def company(answer, key):
    """Return a company, of the list or in full."""
    listed = answer["commodity_type"]
    row = {
        **answer,
        "commodity_types": ", ".join(listed) if listed else None,
        **{column: name in listed for column, name in _FLAGS.items()},
    }
    if "activities" in answer:
        row["activities"] = ", ".join(answer["activities"]) if answer["activities"] else None
    return [row]


def company_licenses(answer, key):
    """Return the licences of a company."""
    empty = {"longitude": None, "latitude": None, "location_geojson": None}
    return [{"slug": key["slug"], **empty, **item} for item in answer["mining_license"]]


def company_contracts(answer, key):
    """Return the contracts of a company."""
    return [
        {
            "slug": key["slug"],
            "contract_index": place + 1,
            "company_name": item["company_name"] or None,
            "company_id": item["company_id"] or None,
            "contract_period_end": item["contract_period_end"] or None,
            "agreement_types": ", ".join(item["agreement_type"]) or None,
        }
        for place, item in enumerate(answer["mining_contract"])
    ]


def ownership(answer, key):
    """Return the edges that a company's record shows."""
    own = answer["slug"]
    above = [
        {
            "parent_slug": item["slug"],
            "parent_name": item["name"],
            "parent_symbol": item["symbol"],
            "child_slug": own,
            "child_name": None,
            "child_symbol": None,
            "percentage_ownership": item["percentage_ownership"],
            "seen_from": key["slug"],
        }
        for item in answer["parents"]
    ]
    below = [
        {
            "parent_slug": own,
            "parent_name": None,
            "parent_symbol": None,
            "child_slug": item["slug"],
            "child_name": item["name"],
            "child_symbol": item["symbol"],
            "percentage_ownership": item["percentage_ownership"],
            "seen_from": key["slug"],
        }
        for item in answer["subsidiaries"]
    ]
    return above + below


def financials(answer, key):
    """Return a company's year."""
    return [answer["data"]]


def breakdown(answer, key):
    """Return the items of a company's year."""
    data = answer["data"]
    return [
        {
            "slug": data["slug"],
            "year": data["year"],
            "statement": statement,
            "item": item,
            "value": value,
            "unit": "%" if item in {"coal_pct", "non_coal_pct"} else "USD",
        }
        for statement in ("revenue", "cost_of_revenue")
        for item, value in data[f"{statement}_breakdown"].items()
    ]


# Performance and resources


def _performed(item, key):
    return {
        "slug": key["slug"],
        "year": item["year"],
        "commodity_type": item["commodity_type"],
        "commodity_sub_type": item["commodity_sub_type"],
    }


def performance(answer, key):
    """Return the commodities of a company's year."""
    rows = []
    for item in answer["data"]:
        stats = item["commodity_stats"]
        overburden = stats.get("overburden_removal_volume")
        products = stats["products"]
        rows.append(
            {
                **_performed(item, key),
                **stats,
                "overburden_removal_volume": overburden,
                "overburden_unit": None if overburden is None else {"Mt": "Mbcm"}[stats["unit"]],
                "strip_ratio": stats.get("strip_ratio"),
                "products": None if products is None else json.dumps(products, ensure_ascii=False),
            }
        )
    return rows


def _figure(name, value, commodity, *, province):
    """Return the figure of a key; a number that is a grade is both ends of its range."""
    row = dict.fromkeys(_FIGURE)
    row["source_field"], row["value"] = name, value
    plain = {
        "exploration_target_Mt": "exploration_target",
        "total_inventory_Mt": "inventory",
    }
    if name in plain:
        return {**row, "category": plain[name], "component": "coal", "measure": "tonnage"} | {
            "unit": "Mt"
        }
    parts = _KEY.fullmatch(name).groupdict()
    unit, component = parts["unit"], parts["component"]
    if component is None and province and commodity != "Coal":
        component, measure = _METALS[commodity], "contained"
    elif component in {None, "ore"}:
        component, measure = "coal" if commodity == "Coal" else "ore", "tonnage"
    else:
        measure = "grade" if unit in {"pct", "g_per_ton"} else "contained"
    if measure == "grade":
        row |= {"value_min": value, "value_max": value, "raw": json.dumps(value)}
    category = parts["category"]
    return {
        **row,
        "stage": parts["stage"],
        "category": f"{category}_verified" if parts["verified"] and province else category,
        "component": component,
        "measure": measure,
        "unit": _UNITS.get(unit, unit),
        "verified": True if parts["verified"] else None,
    }


def company_resources(answer, key):
    """Return the figures of a company's year."""
    rows = []
    for item in answer["data"]:
        figures = dict(item["commodity_stats"]["resources_reserves"])
        year = figures.pop("measurement_year")
        known = {name: value for name, value in figures.items() if value is not None}
        own = {**_performed(item, key), "measurement_year": year}
        for name, value in known.items():
            figure = _figure(name, value, item["commodity_type"], province=False)
            rows.append({**figure, **own})
        if year is not None and not known:
            nothing = dict.fromkeys(_FIGURE)
            rows.append({**nothing, "source_field": "measurement_year", **own})
    return rows


def products(answer, key):
    """Return the properties of the products of a company's year."""
    rows = []
    for item in answer["data"]:
        for place, product in enumerate(item["commodity_stats"]["products"] or []):
            own = {
                **_performed(item, key),
                "product_index": place + 1,
                "product_name": product["product_name"],
            }
            named = [name for name in product if name != "product_name"]
            for name in named:
                what, basis, unit = _PROPERTIES[name]
                if product[name] is not None:
                    row = {"property": what, "basis": basis, "unit": unit}
                    row |= {f"value_{end}": product[name][end] for end in ("min", "max")}
                    rows.append(own | row)
    return rows


def reserves_index(answer, key):
    """Return what there is of each province."""
    return [
        {"province": province, "commodity_type": commodity, "year": year}
        for province, commodities in answer.items()
        for commodity, years in commodities.items()
        for year in years
    ]


def province_resources(answer, key):
    """Return the figures of a province."""
    return [
        {
            **_figure(name, value, commodity, province=True),
            "province": answer["province"],
            "year": int(year),
            "commodity_type": commodity,
        }
        for year, commodities in answer["data"].items()
        for commodity, figures in commodities.items()
        for name, value in figures.items()
    ]


# Trade


def contracts(answer, key):
    """Return the contracts."""
    return answer


def exports(answer, key):
    """Return the destinations of a commodity and year."""
    return [
        {
            "commodity_type": key["commodity_type"],
            "year": int(key["year"]),
            "rank": place + 1,
            "country": item["country"],
            "export_usd": item["export_usd"],
            "volume_bps": item["export_volume_bps"],
            "volume_esdm": item["export_volume_esdm"],
            "volume_unit": item["volume_unit"],
        }
        for place, item in enumerate(answer)
    ]


def global_commodities(answer, key):
    """Return the figures of countries, as they were recorded and as OpenAPI has them."""
    rows = []
    for item in answer:
        own = {"country": item["country"], "commodity_type": item["commodity_type"]}
        found = []
        for field, measure in (
            ("resources_reserves", "reserves"),
            ("resources_reserves_share", "reserves_share"),
        ):
            unit = item["resources_reserves_unit"] if measure == "reserves" else "%"
            value = item[field]
            if isinstance(value, int | float):
                found.append((None, measure, None, value, unit))
            for year, ranks in value.items() if isinstance(value, dict) else ():
                for rank, figure in ranks.items():
                    found.append((int(year), measure, rank, figure, unit))
        for year, both in (item["export_import_usd"] or {}).items():
            found.append((int(year), "export", None, both["export"], "USD"))
            found.append((int(year), "import", None, both["import"], "USD"))
        for field, measure in (
            ("production_volume", "production"),
            ("production_share", "production_share"),
        ):
            unit = item["production_volume_unit"] if measure == "production" else "%"
            for year, figure in (item[field] or {}).items():
                found.append((int(year), measure, None, figure, unit))
        names = ("year", "measure", "rank", "value", "unit")
        known = found or [(None,) * 5]
        rows += [{**own, **dict(zip(names, figure, strict=True))} for figure in known]
    return rows


def sales_destinations(answer, key):
    """Return the destinations of a company's year."""
    return [
        {
            "slug": key["slug"],
            "year": answer["year"],
            "destination": destination,
            "is_region": destination in _REGIONS,
            **entry,
        }
        for destination, entry in answer["data"].items()
    ]


def total_production(answer, key):
    """Return the years of a commodity."""
    volumes = {item["year"]: item["production_volume"] for item in answer}
    rows = []
    for item in answer:
        now, then = item["production_volume"], volumes.get(item["year"] - 1)
        rows.append(
            {
                "commodity_type": key["commodity_type"],
                "year": item["year"],
                "production_volume": now,
                "unit": "t" if key["commodity_type"] == "Copper" else item["unit"],
                "api_unit": item["unit"],
                "prev_year_volume": item["prev_year_volume"],
                "yoy_change_pct": None if then is None else (now - then) / then * 100,
                "api_yoy_change_pct": item["yoy_change_percent"],
            }
        )
    return rows


# What the files hold


def answers(folder, name):
    """Yield the key and the answer of each call that a file's records answer."""
    with (folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    if name == "mining_resources_reserves_index":
        yield {}, {record["key"]: record["answer"] for record in records}
    elif "answer" not in records[0]:
        yield {}, records
    else:
        words = {
            "mining_commodity_prices": "commodity",
            "mining_resources_reserves": "province",
            "mining_total_production": "commodity_type",
        }
        for record in records:
            key = record["key"]
            key = key if isinstance(key, dict) else {words.get(name, "slug"): key}
            yield {word: str(value) for word, value in key.items()}, record["answer"]
