"""How fast swruntime is, beside what a user would take instead: `python -m benchmarks`, or `make bench`.

    figures      medians, spreads and ratios of pairs
    contest      contestants that take turns; who is missing, and who is refused
    processes    a process from its start to its end; the processor time of a tree of processes
    sides        checkouts of swruntime: this one, and those named by --before
    peers        the Debian packages, installed where that is possible
    chromium     a headless Chromium, driven over its DevTools pipe
    bench        what all rows share: sizes, the server, the folders
    downloads    rows `big` and `many`: bodies from nginx to durable storage
    small        row `small`: one small body, warm
    at_once      row `at-once`: background fetches at once
    start        row `start`: short commands
    entries      rows `profile` and `cache`: 100,000 cache entries
    report       the table, and benchmarks/RESULTS.md
    summary      all rows in one table, now and before
    machine      what it was measured on
    programs/    what runs in processes of its own, on any checkout

The other modules are programs of their own, which README.md describes.
"""
