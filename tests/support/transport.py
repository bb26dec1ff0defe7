"""What the tests of the HTTP layer share: a key, a record, and a transport of a server."""

from __future__ import annotations

import sectorsdf
from sectorsdf.config.api_key import ApiKey
from sectorsdf.http.credits import Ledger
from sectorsdf.http.limiter import RateLimiter
from sectorsdf.http.transport import RetryPolicy, Transport
from support.scripted_server import RECORD, answer

KEY = "0123456789abcdef" * 4
TOKEN = "an-oauth.token_Value"
QUICK = RetryPolicy(tries=3, base=0.001)
SITE = "/v2/mining/sites/a-site/"
GOOD = answer({**RECORD, "name": "A", "location": None})
HTML = b"<!DOCTYPE html><html><body><h1>Gateway</h1></body></html>"


def get_site(client, **options):
    return sectorsdf.get_mining_site("a-site", client=client, **options)


def transport_for(server, key=KEY, **options):
    options = {"timeout": (5, 5), "retry": QUICK, **options}
    return Transport(ApiKey(key), server.url, limiter=RateLimiter(), ledger=Ledger(None), **options)
