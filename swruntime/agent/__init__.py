"""The user agent: the only Trio shell. It feeds the machines and performs their effects.

user_agent         UserAgent: what a test or the command line holds
background_fetches the active background fetches of every registration
background_fetch   one background fetch: its machine, and the performing of its effects
response_data      a record's response and the bytes that are stored of it
transfer           one exchange of a record, from its request to the end of its body
fetching           Fetch's main fetch, HTTP-redirect fetch and CORS checks over a Network
connections        six connections an origin, shared fairly
registrations      service worker registrations and their jobs
workers            a service worker's life: start, events, stop
clients            windows
caches             CacheStorage and Cache on the store
controls           what the user of a browser can do: network, permissions, storage
promise            Promise
activity           what `settled()` waits for
"""
