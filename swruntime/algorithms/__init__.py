"""Pure procedures of the specs: values in, values or exceptions out. No Trio, no I/O, no clock.

urls           parsing, origins, what is trustworthy (URL, Secure Contexts)
webidl         a script's arguments (Web IDL)
methods, headers, guards
               what they may be, and who may set them (Fetch)
requests       the Request constructor; the checks of a background fetch's requests
media          icons (Image Resource)
matching       does a stored request answer a query (Service Workers)
scopes         what may be registered, and which registration a URL belongs to (Service Workers)
ports, mixed_content, csp
               what must not be fetched
cors, filtering, redirects, metadata
               what is sent, followed, and shown (Fetch, Referrer Policy, Fetch Metadata)
sites, cookies, cookie_file
               who is one party, and whose cookies go where (HTML, HTTP)
content_range, partial
               resuming a body (Background Fetch, HTTP)
addresses      which hosts are this machine; in which order addresses are tried (RFC 6761, RFC 8305)
proxies        which requests go through a proxy, as the environment says
retry_after    when to ask again (HTTP)
sizes          10G, 20 MiB
suggestions    did you mean ...?
"""
