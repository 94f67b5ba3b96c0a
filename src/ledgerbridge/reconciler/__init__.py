"""Pure decisions about what was read: who is who, what differs, what settles what.

Everything here is a function of its arguments: no network, no disk, no clock, no log, and the same answer for the same
records in any order. What is decided is returned as values that say why; storing and carrying out are others' work.
"""
