"""Declarations of mining companies: the list, a company in full, its owners and its accounts."""

from __future__ import annotations

from sectorsdf import vocabularies as vocab
from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.datasets.schema import Column, Dataset, Filter

__all__ = [
    "MINING_COMPANIES",
    "MINING_COMPANY",
    "MINING_COMPANY_BREAKDOWN",
    "MINING_COMPANY_CONTRACTS",
    "MINING_COMPANY_FINANCIALS",
    "MINING_COMPANY_LICENSES",
    "MINING_COMPANY_OWNERSHIP",
    "SLUG",
    "YEAR_FILTER",
]

SLUG = Column("slug", "text", "Slug of the company")
YEAR_FILTER = Filter(
    "year",
    "integer",
    meaning="Reporting year; the latest by default",
    minimum=1900,
    maximum=2026,
    is_year=True,
)
_SYMBOL = Column("symbol", "text", "Symbol at the Indonesian stock exchange; missing if not listed")
_COMPANY_COLUMNS = (
    SLUG,
    Column("name", "text", "Name of the company"),
    _SYMBOL,
    Column("company_type", "text", "What the company is", values=vocab.COMPANY_TYPES),
    Column("key_operation", "text", "Main business, such as Mining or Coal Trading"),
    Column(
        "commodity_types",
        "text",
        "The company's commodities, separated by commas; missing if the API lists none",
        field="commodity_type",
    ),
    *(
        Column(
            name.lower().replace(" ", "_"),
            "flag",
            f"Whether {name} is among the company's commodities",
            field="commodity_type",
        )
        for name in vocab.COMPANY_COMMODITY_TYPES
    ),
)
MINING_COMPANIES = Dataset(
    name="mining_companies",
    title="company",
    row="one mining company",
    path="/v2/mining/companies/",
    command="companies",
    summary="Mining companies.",
    key=("slug",),
    columns=_COMPANY_COLUMNS,
    nested={"commodity_type": "company_commodities"},
    filters=(
        Filter(
            "commodity_type",
            "choice",
            vocab.COMPANY_COMMODITY_TYPES,
            "One of the company's commodities",
            ignores_case=True,
            match=None,
        ),
        Filter("company_type", "choice", vocab.COMPANY_TYPES, "What the company is"),
        Filter(
            "keyword",
            "text",
            meaning="Part of the name, symbol, slug or main business",
            ignores_case=True,
            match=None,
        ),
        Filter(
            "has_financials",
            "flag",
            meaning="Only companies with financial figures",
            match=None,
        ),
    ),
    default_order="name",
    facets=("company_type",),
)
MINING_COMPANY = Dataset(
    name="mining_company",
    title="company",
    row="one mining company in full",
    path="/v2/mining/companies/{}/",
    command="company",
    summary="Companies in full, by slug; their licences or contracts.",
    answer="object",
    addressed_by="slug",
    keyword="slugs",
    listed_by="mining_companies",
    priced_by="slug",
    key=("slug",),
    columns=(
        *_COMPANY_COLUMNS,
        Column("operation_province", "text", "Province of the operation"),
        Column("operation_district", "text", "Regency (kabupaten) or city (kota) of the operation"),
        Column("website", "text", "Address of the website"),
        Column(
            "activities",
            "text",
            "Business activities, separated by commas; missing if the API lists none",
        ),
        Column("mining_site_count", "integer", "Number of mine sites"),
    ),
    nested={
        "commodity_type": "company_commodities",
        "activities": "company_activities",
        "mining_license": "elsewhere",
        "mining_contract": "elsewhere",
        "representative_address": "elsewhere",
        "phone_number": "elsewhere",
        "email": "elsewhere",
    },
    contacts=(
        Column("representative_address", "text", "Registered address of the representative"),
        Column("phone_number", "text", "Telephone number, as text"),
        Column("email", "text", "E-mail address"),
    ),
)
_LICENSE_FIELDS = (
    "wiup_code",
    "license_number",
    "license_type",
    "province",
    "city",
    "license_effective_date",
    "license_expiry_date",
    "activity",
    "licensed_area_ha",
    "location",
    "longitude",
    "latitude",
    "location_geojson",
    "commodity_type",
    "cnc",
    "generation",
)
MINING_COMPANY_LICENSES = Dataset(
    name="mining_company_licenses",
    title="company",
    row="one licence that a company's record lists, which can be a subsidiary's",
    path=MINING_COMPANY.path,
    command="company",
    summary="One row for each licence, at no extra cost.",
    part="licenses",
    answer="object",
    unpack="company_licenses",
    addressed_by="slug",
    keyword="slugs",
    listed_by="mining_companies",
    priced_by="slug",
    key=("slug", "wiup_code"),
    columns=(
        Column("slug", "text", "Slug of the company whose record lists the licence"),
        *(column for column in MINING_LICENSES.columns if column.name in _LICENSE_FIELDS),
    ),
    nested={"location": "license_location"},
)
MINING_COMPANY_CONTRACTS = Dataset(
    name="mining_company_contracts",
    title="company",
    row="one contract that a company's record lists; a partner can come several times",
    path=MINING_COMPANY.path,
    command="company",
    summary="One row for each contract, at no extra cost.",
    part="contracts",
    answer="object",
    unpack="company_contracts",
    addressed_by="slug",
    keyword="slugs",
    listed_by="mining_companies",
    priced_by="slug",
    key=("slug", "contract_index"),
    columns=(
        Column("slug", "text", "Slug of the company whose record lists the contract"),
        Column("contract_index", "integer", "Place of the contract in the record, from 1"),
        Column("company_name", "text", "Company that the contract is with; can be missing"),
        Column(
            "company_id", "text", "The provider's number of that company, as text", is_code=True
        ),
        Column("contract_period_end", "date", "Last day of the contract; missing if it has none"),
        Column(
            "agreement_types",
            "text",
            "What was agreed, separated by commas; missing if the API lists nothing",
            field="agreement_type",
        ),
    ),
    nested={"agreement_type": "contract_agreements"},
)
MINING_COMPANY_OWNERSHIP = Dataset(
    name="mining_company_ownership",
    title="company",
    row="one edge of the ownership graph: a parent that owns a part of a child",
    path="/v2/mining/companies/ownership/{}/",
    command="ownership",
    summary="Owners and subsidiaries of companies, one row for each pair.",
    answer="object",
    unpack="ownership",
    addressed_by="slug",
    keyword="slugs",
    listed_by="mining_companies",
    priced_by="slug",
    key=("parent_slug", "child_slug"),
    columns=(
        Column("parent_slug", "text", "Slug of the owner"),
        Column(
            "parent_name",
            "text",
            "Name of the owner; missing if only the owner's own record was asked for",
        ),
        Column("parent_symbol", "text", "The owner's symbol; missing if not listed or not known"),
        Column("child_slug", "text", "Slug of the owned company"),
        Column(
            "child_name",
            "text",
            "Name of the owned company; missing if only its own record was asked for",
        ),
        Column(
            "child_symbol", "text", "The owned company's symbol; missing if not listed or not known"
        ),
        Column("percentage_ownership", "number", "Share that the parent owns", unit="%"),
        Column("seen_from", "text", "Slug whose record shows the pair; the first asked, if both"),
    ),
)
MINING_COMPANY_FINANCIALS = Dataset(
    name="mining_company_financials",
    title="company",
    row="one company in one year",
    path="/v2/mining/companies/financials/{}/",
    command="financials",
    summary="Assets, revenue and profit of companies, by year.",
    answer="object",
    unpack="financials",
    addressed_by="slug",
    keyword="slugs",
    listed_by="mining_companies",
    priced_by="slug and year",
    key=("slug", "year"),
    columns=(
        SLUG,
        _SYMBOL,
        Column("name", "text", "Name of the company; the list can spell it differently"),
        Column("year", "integer", "Financial year"),
        Column("assets_usd", "number", "Total assets", unit="USD"),
        Column("revenue_usd", "number", "Revenue", unit="USD"),
        Column("cost_of_revenue_usd", "number", "Cost of revenue", unit="USD"),
        Column("net_profit_usd", "number", "Net profit", unit="USD"),
    ),
    filters=(YEAR_FILTER,),
)
MINING_COMPANY_BREAKDOWN = Dataset(
    name="mining_company_breakdown",
    title="company",
    row="one item of a company's revenue or cost of revenue in one year",
    path=MINING_COMPANY_FINANCIALS.path,
    command="financials",
    summary="One row for each item of revenue and its cost, at no extra cost.",
    part="breakdown",
    answer="object",
    unpack="breakdown",
    addressed_by="slug",
    keyword="slugs",
    listed_by="mining_companies",
    priced_by="slug and year",
    key=("slug", "year", "statement", "item"),
    columns=(
        SLUG,
        Column("year", "integer", "Financial year"),
        Column(
            "statement",
            "text",
            "What the item is part of",
            values=("revenue", "cost_of_revenue"),
        ),
        Column("item", "text", "The API's name of the item; the companies choose their own items"),
        Column(
            "value",
            "number",
            "Amount or percentage, in unit; the items need not add up to the total",
            unit_in="unit",
        ),
        Column(
            "unit", "text", "USD, or % for an item whose name ends in _pct", values=("USD", "%")
        ),
    ),
    filters=(YEAR_FILTER,),
)
