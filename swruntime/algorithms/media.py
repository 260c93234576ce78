"""Image resources: https://w3c.github.io/image-resource/"""

from __future__ import annotations

from swruntime.algorithms import urls, webidl
from swruntime.concepts.background import ImageResource


def image_resources(name: str, value: object, base_url: str) -> tuple[ImageResource, ...]:
    """A sequence<ImageResource>, such as a background fetch's icons, with every `src` resolved.

    `name` is the argument's, for the TypeErrors: no list, no dict, no `src`, a member that is no str, or
    a `src` that does not parse against `base_url`.
    """
    items = enumerate(webidl.sequence(name, value))
    return tuple(image_resource(f"{name}[{index}]", item, base_url) for index, item in items)


def image_resource(name: str, value: object, base_url: str) -> ImageResource:
    """One ImageResource: https://w3c.github.io/image-resource/#dom-imageresource. Raises TypeError."""
    given = webidl.dictionary(name, value)
    if given.get("src") is None:
        raise TypeError(f"{name} is {webidl.shown(value)}; expected a dict with 'src'")
    # A member that is None is one that was not given.
    members = {
        key: webidl.usv_string(f"{name}[{key!r}]", given[key])
        for key in ("src", "sizes", "type", "label")
        if given.get(key) is not None
    }
    try:
        src = urls.resolve(members.pop("src"), base_url)
    except TypeError as error:
        raise TypeError(f"{name}['src']: {error}") from None
    return ImageResource(src, **members)
