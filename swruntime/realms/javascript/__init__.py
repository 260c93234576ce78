"""JavaScript, unmodified: each worker and each page in a Deno process of its own, without any rights.

The process is confined by the kernel as far as that can do it; `swruntime.realms.javascript.wall` says how.

Behind a JavaScript realm stand the platform objects of the Python realm: JavaScript's are their faces. So checks,
machines and storage have one home, and what a script sees differs in its names only.

    frames      the layout of what goes over the pipes
    deno        the process: how it is started, spoken to, ended
    launch, installed, engine_files      its arguments, environment and limits; where it is; which files it uses
    code_cache  the folder of its compiled code, which it may only read
    confinement, wall    what confines it here; how that is put before it
    landlock, seccomp, system_calls, capabilities, linux     the kernel's means, one module each
    channel     frames to and from one process; when the process is idle; the clock waits until it is
    moving      how frames get there and back: in step with a virtual clock, side by side elsewhere
    handles     the numbers by which objects are known to the other side
    faces       which members of the platform objects a script may ask for, and how values travel
    indexed_db, indexed_requests     IndexedDB: what a process may ask, and of whom
    engine      one realm's process, answering what its script asks
    js/         the JavaScript side; js/main.js is what Deno is started with
"""
