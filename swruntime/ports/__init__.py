"""The agent's protocols: what it needs of the world, said without saying who provides it.

network    an exchange of one HTTP request and its response
store      the profile: registrations, background fetches, bodies, caches
realm      what runs scripts
display    what shows background fetches to a user
wallclock  the time of day
"""
