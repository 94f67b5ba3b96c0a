"""What becomes of findings: how severe they are, whose they are, what can be done, and which move follows which.

Pure: a run's findings and the stored exceptions go in, steps come out; a person's act goes in, a changed record and its
event come out. Storing is :mod:`ledgerbridge.sync.exceptions`.
"""
