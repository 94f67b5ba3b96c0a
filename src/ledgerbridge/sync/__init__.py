"""The use cases: the only place that puts connectors, mappings, the store and the queue together."""
