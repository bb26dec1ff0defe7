"""Send requests to the API: authentication, retries, the rate limit, credits and errors.

One request passes through these modules:

- `transport` sends it, retries it and settles its price,
- `limiter` decides when it may be sent, by the rules of `learner`,
- `session` adds the key and keeps the connections,
- `responses` turns a status other than 2xx into an exception,
- `credits` records what it cost and enforces ``max_credits``.

The package knows paths, parameters and bytes only. It must not import `sectorsdf.datasets`,
`sectorsdf.frames`, `sectorsdf.reserves` or `sectorsdf.paging`: callers pass a function that parses
the body.
"""
