"""JavaScript, unmodified: each worker and each page in a Deno process of its own, without any rights.

Behind a JavaScript realm stand the platform objects of the Python realm: JavaScript's are their faces. So checks,
machines and storage have one home, and what a script sees differs in its names only.

    frames      the layout of what goes over the pipes
    deno        the process: where it is, how it is started, what it may use, how it ends
    channel     frames to and from one process; when the process is idle; the clock waits until it is
    moving      how frames get there and back: in step with a virtual clock, side by side elsewhere
    handles     the numbers by which objects are known to the other side
    faces       which members of the platform objects a script may ask for, and how values travel
    indexed_db, indexed_requests     IndexedDB: what a process may ask, and of whom
    engine      one realm's process, answering what its script asks
    js/         the JavaScript side; js/main.js is what Deno is started with
"""
