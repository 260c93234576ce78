"""https://w3c.github.io/ServiceWorker/#dictdef-cachequeryoptions"""

from __future__ import annotations

import attrs


@attrs.frozen
class CacheQueryOptions:
    ignore_search: bool = False
    ignore_method: bool = False
    ignore_vary: bool = False
