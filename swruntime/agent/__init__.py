"""The user agent: the only Trio shell. It feeds the machines and performs their effects.

user_agent          UserAgent: what a test or the command line holds
services            what every part of one agent shares
background_fetches  the background fetches of every registration
background_fetch    one of them: its machine, and the performing of its effects
candidates          of very many things those for which something may hold
record_run          what a record has beside its machine
telling             what is told of one: to the trace, to the realms, to the display
response_data       a record's response and the bytes that are stored of it
transfer            one exchange of a record, from its request to the end of its body
checkpoints         what a power failure may take back at the most
connections         six connections an origin, shared fairly
fetching            Fetch's main fetch, HTTP-redirect fetch and CORS over a Network
handle_fetch        requests of pages, through the worker that controls them
registrations       service worker registrations, and the map of them
lifecycle, jobs     register, update, install, activate, unregister, clear
workers             a service worker's life: start, events, stop
clients             windows
messaging           messages between realms
notifications       what is shown to the user, clicked and closed
push                push subscriptions, and what is sent to them
functional          functional events that nobody owes
caches              CacheStorage and Cache on the store
controls            what the user of a browser can do: network, permissions, storage
promise             Promise
pieces              bodies, closed at the end of a block
activity            what `settled()` waits for
"""
