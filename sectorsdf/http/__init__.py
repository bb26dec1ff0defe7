"""Send requests to the API: authentication, retries, the rate limit, credits and errors.

One request passes through these modules:

- `transport` retries it and settles its price,
- `limiter` decides when it may be sent, by the rules of `learner`,
- `exchange` sends it and reads the response,
- `connections` lends a session, and `session` adds the key and ends what takes too long,
- `redirects` refuses another host or another question, `body` reads a limited number of bytes,
- `network` says what a failed connection means,
- `responses` tells the API's answers from those of a proxy or gateway, and turns an error into an
  exception,
- `credits` records what it cost and enforces ``max_credits``.

The package knows paths, parameters and bytes only. It must not import `sectorsdf.datasets`,
`sectorsdf.frames`, `sectorsdf.reserves` or `sectorsdf.paging`: callers pass a function that parses
the body.
"""
