"""Read settings, and own what Python lacks for every layer above: locks and JSON.

- `settings`: the API's URL and the cache folder, from an argument or the environment,
- `api_key`: the key, from an argument, the environment or a login,
- `keystore`: where ``sectorsdf login`` stores the key,
- `options`: the defaults of `sectorsdf.set_options` and the environment,
- `forks`: locks that a forked process finds free,
- `deep_json`: JSON that is nested more deeply than Python's own functions take.

How an argument of one call relates to its client's and to these defaults is decided in
`sectorsdf.client.call_config`, not here. The package must import nothing of `sectorsdf` but
`sectorsdf.errors`, and opens no connection.
"""
