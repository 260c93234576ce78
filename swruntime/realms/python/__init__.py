"""Python realms: what a script written in Python sees.

context      what every platform object of a realm holds: its environment, its nurseries, its death
driver       runs a script's coroutines, and sees each time they suspend
events       Event, EventTarget, event handlers; how an event is fired
extendable   ExtendableEvent, and how long one lives
abort        AbortController, AbortSignal
headers, body, request, response   the classes of the Fetch standard
body_sources where a body's bytes come from, and who reads them
loader       evaluates a script and what it imports, anew for each realm
importer     a realm's own modules
sitefiles    which file of SITE is meant, and its text
handlers     top-level functions named `on` + an event type
console      console.log and its kin
"""
