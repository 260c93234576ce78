"""The specs' plain structs and enums, frozen. Nothing here does anything.

enums       the values that the specs define, as they are written there
http        header list, request, response (Fetch)
background  a background fetch's options, image resource, progress (Background Fetch)
matching    cache query options (Service Workers)
environment where a request comes from: origin, policies, referrer
"""
