"""Offset pagination with proof: fetch every page of a list, and show that no row is missing.

A sweep over a list passes through these modules:

- `run` puts the steps in order,
- `resume` takes the pages that an earlier call has paid for, unless the list has changed,
- `first_pass` fetches each other page of the list once,
- `repair` requests more pages for the rows that are still missing, as `planner` chooses them,
- `sweep` holds the state of all three: the pages that arrived, and what they show; it reports to an
  `observer`,
- `certificate` puts the rows in order and writes the proof,
- `index` knows each row by a digest and remembers its position, in the containers of `compact`,
- `workers` runs the requests in parallel; `page` defines what they ask for and return.

Modules are imported from here by their full path. This folder knows no dataset and no HTTP: callers
pass a function that fetches one page. It must not import `sectorsdf.datasets`, `sectorsdf.frames`,
`sectorsdf.reserves` or `sectorsdf.http`.
"""
