"""An API of licences, sites and auctions that a test can break, and that counts what it bills."""

from __future__ import annotations

import threading
from collections import Counter
from urllib.parse import parse_qsl, unquote

import sectorsdf
from support.scripted_server import Scripted, answer

KEY = "0123456789abcdef" * 4
LISTS = {
    "/v2/mining/licenses/": "licenses",
    "/v2/mining/sites/": "sites",
    "/v2/mining/license-auctions/": "auctions",
}
KEYS = {"sites": "slug", "auctions": "wiup_code"}
DETAILS_ONLY = {
    "sites": ("overburden_removal_volume", "location", "resources_reserves"),
    "auctions": ("phases", "participants", "created_at", "last_modified"),
}


def licence(number, **fields):
    """Return a licence; the default sort of the API keeps the order of the numbers."""
    return {
        "wiup_code": f"{3200000000000000 + number}",
        "license_number": f"N{number}",
        "license_type": "IUP",
        "province": "Aceh",
        "city": "Kabupaten Aceh",
        "license_effective_date": "2020-01-01",
        "license_expiry_date": f"{2025 + number // 336}-{1 + number // 28 % 12:02}"
        f"-{1 + number % 28:02}",
        "activity": "Operasi Produksi",
        "licensed_area_ha": 10.5 + number,
        "location": "Kabupaten Aceh",
        "commodity_type": "Coal",
        "company_name": f"PT {number}",
        "cnc": "CNC",
        "generation": None,
        "company_slug": None,
        **fields,
    }


def site(number, **fields):
    """Return a site with its details."""
    return {
        "name": f"Site {number}",
        "project_name": None,
        "year": 2024,
        "commodity_type": "Coal",
        "production_volume": float(number),
        "unit": "Mt",
        "strip_ratio": None,
        "province": "Aceh",
        "city": "Kabupaten Aceh",
        "company_slug": "pt-a",
        "company_name": "PT A",
        "slug": f"site-{number}",
        "overburden_removal_volume": None,
        "location": None,
        "resources_reserves": None,
        **fields,
    }


def auction(number, *people, **fields):
    """Return an auction with the participants of these names and addresses."""
    return {
        "commodity_type": "Coal",
        "city": "Kabupaten Aceh",
        "province": "Aceh",
        "company_name": "PT A",
        "winner_date": "2024-01-01",
        "licensed_area_ha": 10.5,
        "license_number": None,
        "area_type": "WIUP",
        "kdi": "1000",
        "wiup_code": f"{9100000000000000 + number}",
        "auction_status": "Lelang Selesai",
        "participant_count": len(people),
        "winner": True,
        "company_slug": None,
        "created_at": "2024-01-01",
        "last_modified": "2024-01-01",
        "phases": [],
        "participants": [
            {"NIB": "1", "company_name": name, "email": email, "qualification_result": "Lolos"}
            for name, email in people
        ],
        **fields,
    }


class Api:
    """A server over rows that a test may change between two calls.

    Parameters
    ----------
    licenses, sites, auctions : int or list of dict
        The records, or how many.
    page_size : int
        The most rows that a page of a list has.

    Attributes
    ----------
    refuses : callable
        Returns whether a request, its path and query, is refused, which is free.
    refusal : int
        The status of a request that is refused.
    hides : callable
        Returns the fields that the server leaves out of a row.
    bills : Counter
        How often each request was billed, by path and query.
    log : list
        The requests that were billed, in order.
    """

    def __init__(self, licenses=0, sites=0, auctions=0, *, page_size=30):
        made = (("licenses", licenses, licence), ("sites", sites, site))
        made += (("auctions", auctions, auction),)
        self.rows = {
            name: [*map(make, range(given))] if isinstance(given, int) else given
            for name, given, make in made
        }
        self.page_size = page_size
        self.refusal = 400
        self.refuses = lambda path, query: False
        self.hides = lambda row: ()
        self.bills = Counter()
        self.log = []
        self._lock = threading.Lock()
        self._server = Scripted(self._respond)
        self.url = self._server.url

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self._server.stop()

    @property
    def billed(self):
        return sum(self.bills.values())

    @property
    def requests(self):
        return len(self._server.requests)

    def client(self, folder, **options):
        """Return a client of its own, as another process would have over the same folder."""
        options = {"rate_limit": "100000/s", "workers": 1, **options}
        return sectorsdf.Client(KEY, self.url, cache_folder=folder, **options)

    def refuse_after(self, count):
        """Refuse every request once this number was billed from now on."""
        most = self.billed + count
        self.refuses = lambda path, query: self.billed >= most

    def recover(self):
        """Refuse nothing."""
        self.refuses = lambda path, query: False

    def _respond(self, request):
        path, query = request.path, dict(parse_qsl(request.query))
        with self._lock:
            if self.refuses(path, query):
                return answer({"error": "not now"}, self.refusal)
            self.log.append((path, tuple(sorted(query.items()))))
            self.bills[self.log[-1]] += 1
        return self._list(path, query) if path in LISTS else self._record(path)

    def _list(self, path, query):
        name = LISTS[path]
        rows = self.rows[name]
        for key, value in query.items():
            if rows and key in rows[0]:
                rows = [r for r in rows if str(r[key]).casefold() == value.casefold()]
        order = query.get("order_by", "")
        field = order.lstrip("-")
        if order:
            have = [row for row in rows if row[field] is not None]
            have.sort(key=lambda row: row[field], reverse=order.startswith("-"))
            rows = [*have, *(row for row in rows if row[field] is None)]
        offset, limit = (
            int(query.get("offset", 0)),
            min(int(query.get("limit", 20)), self.page_size),
        )
        part = [
            self._shown(row, DETAILS_ONLY.get(name, ())) for row in rows[offset : offset + limit]
        ]
        pagination = {
            "total_count": len(rows),
            "showing": len(part),
            "limit": limit,
            "offset": offset,
            "has_next": offset + limit < len(rows),
        }
        return answer({"results": part, "pagination": pagination})

    def _record(self, path):
        top, _, key = path.rstrip("/").rpartition("/")
        name = LISTS[f"{top}/"]
        for row in self.rows[name]:
            if row[KEYS[name]] == unquote(key):
                return answer(self._shown(row, ("province", "city") if name == "sites" else ()))
        return answer({"error": "Mining site not found."}, 404)

    def _shown(self, row, without):
        hidden = {*without, *self.hides(row)}
        return {name: value for name, value in row.items() if name not in hidden}
