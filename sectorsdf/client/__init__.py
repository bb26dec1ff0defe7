"""One client, and one call: its options, its query, its budget, and how it fetches.

`call_config` decides which value of an option counts; `list_call` and `record_call` act on it. This
folder must not import `mining`, `plot`, `sandbox` or `cli`.
"""
