"""The state machines, as tables. No clock, no I/O, no Trio: inputs in, effects out.

table             what a row is, and how one is chosen
snapshots         what of a machine is stored
record            one request of a background fetch, from pending to its result
background_fetch  a background fetch with its records
extendable_event  how long an event lives
"""
