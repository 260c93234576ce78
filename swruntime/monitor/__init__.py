"""Holds the machines and the traces against specs/.

states          reads states.toml
expressions     its guards
naming, facts   what specs/ calls what the machines take, give and know
explore         side one: one machine by itself, every state, every input
explore_fetch   side one: a background fetch with its records
exhaustive      side one, all of it
inputs          what is fed, and how numbers are abstracted
trace_monitor   side three: reads a trace along, line by line
checked         the same, beside a run
trace_fetch     what it knows of a background fetch
trace_worker    what it knows of a scope's workers and events
diagrams        the pictures
"""
