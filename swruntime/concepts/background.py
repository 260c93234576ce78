"""The structs of Background Fetch: https://wicg.github.io/background-fetch/#infrastructure"""

from __future__ import annotations

import attrs

from swruntime.concepts.enums import BackgroundFetchFailureReason, BackgroundFetchResult


@attrs.frozen
class ImageResource:
    """https://w3c.github.io/image-resource/#dom-imageresource; `src` is absolute once it was resolved."""

    src: str
    sizes: str = ""
    type: str = ""
    label: str = ""


@attrs.frozen
class Progress:
    """What *update background fetch instances* hands to every realm. Totals are in bytes; 0 is "not known"."""

    downloaded: int = 0
    uploaded: int = 0
    download_total: int = 0
    upload_total: int = 0
    result: BackgroundFetchResult = ""
    failure_reason: BackgroundFetchFailureReason = ""
    records_available: bool = True


@attrs.frozen
class StoredHead:
    """What must be remembered of the response whose bytes are stored, to ask for the rest of it.

    `complete_length` is in bytes, None where the server did not tell. `last_modified_is_strong`: there was no ETag,
    and it was old enough when the response was made (RFC 9110, 8.8.2.2); what an older version stored does not say.
    """

    status: int
    etag: str | None = None
    last_modified: str | None = None
    coded: bool = False
    complete_length: int | None = None
    last_modified_is_strong: bool = False
