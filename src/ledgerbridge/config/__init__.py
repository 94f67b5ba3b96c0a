"""The settings tree: the workspace file, environment overrides, secrets by reference, and where each value came from.

Read by ``bootstrap`` and ``cli`` alone; nobody below looks up. May import ``sync`` and everything under it.
"""
