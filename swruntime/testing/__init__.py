"""What tests of offline-first apps need: servers that misbehave on purpose.

    origin    a scripted origin, in process, on Trio's clock; several of them as an internet
    answers   what a scripted origin answers with
    pattern   bodies of any size that cost no memory

Nothing here imports pytest or hypothesis before it is used.
"""

from swruntime.testing.origin import Origin, RequestRecord, ScriptedInternet
from swruntime.testing.pattern import Pattern

__all__ = ["Origin", "Pattern", "RequestRecord", "ScriptedInternet"]
