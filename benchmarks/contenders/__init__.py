"""The contenders: functions that each do one piece of work in one way.

`worker` runs them in a process of its own. If a module has a function `prepare`, `worker` calls it
with the contender and its arguments before the time starts. `typing` imports no other module of
this folder, `fetching` and `caching` import `typing`, and `parts` imports all three. None imports
`worker`, `cases` or `bench`.
"""
