"""The command line: parse, call a use case, print. No rule of the business lives here.

Every command takes ``--json``. Exit codes: 0 all good, 1 findings or only partly done, 2 usage or configuration,
3 a system could not be reached or will not let us in. May import everything below it.
"""
