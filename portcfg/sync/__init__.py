"""The sync engine: rows of an HTTP source become entities in Port, by a mapping in Ocean's grammar plus `streams`,
`window`, `pagination`, `group_by`/`aggregate`, `lookups` and `merge`. Start reading at `run.run_sync`."""
