"""Documents for people: tables, statements, aging and exception reports as XLSX, PDF, HTML, JSON.

May import ``model``, the ``reconciler`` and the guarded reading of workbooks; never the store, the network or the clock: what is
to be shown is given.
"""
