"""Shipped test help: the acceptance kit that every connector must pass, and fakes for what stands above connectors.

``connector_suite`` holds the kit; ``fakes`` a clock and a connector without a far side; ``plugin`` is loaded by pytest by itself.
Sits at the top: may import anything of ours except the sandbox, and pytest. Nothing of ours imports it.
"""
