"""Pictures in, answers out: `ingest` follows folders, `engine` answers queries.

Both are handed a store and know nothing of how it keeps things; `ingest` is handed a reader too.
"""
