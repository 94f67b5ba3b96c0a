"""The far side of YonBIP / YonSuite OpenAPI (yonyou.md part B): data-centre discovery, token service, business API.

``app`` puts it together, ``switches`` names every behaviour in which a tenant may differ, ``signin`` issues tokens,
``gate`` runs the gateway's checks in order, ``lists`` pages and filters, ``loading`` takes in a world.
"""
