"""What root may do that others may not: given up, where a process has it. https://man7.org/linux/man-pages/man7/capabilities.7.html"""

from __future__ import annotations

import ctypes

from swruntime.realms.javascript import linux

_VERSION = 0x20080522
DAC_READ_SEARCH = 1 << 2
"""To read files and to pass folders of others: the engine may lie in a folder that root passes by that alone."""


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("process", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


class Capabilities:
    """Of the thread that asks. Made before a fork, for what is forked."""

    def __init__(self) -> None:
        self._header = _Header(_VERSION, 0)
        self._data = (_Data * 2)()
        self._arguments = (ctypes.byref(self._header), ctypes.byref(self._data))

    def give_up_all_but(self, kept: int) -> None:
        """Those of `kept` that it has stay, a set of bits below 2**32. An exec gives none back where new privileges are
        given up. Raises OSError.
        """
        linux.capget(*self._arguments)
        low, high = self._data
        low.effective = low.permitted = low.permitted & kept
        low.inheritable = high.effective = high.permitted = high.inheritable = 0
        linux.capset(*self._arguments)
