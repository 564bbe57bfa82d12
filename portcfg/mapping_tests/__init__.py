"""Mapping unit tests as data: recorded answers of a source, and the entities that the mapping is to make of them."""
