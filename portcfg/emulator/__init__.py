"""The embedded Port and the stand-in Cursor: real HTTP servers on loopback.

Imports nothing of plan, diff, compile, observe or apply, so that it can't share their mistakes.
"""
