"""A headless Chromium with one page, driven over its DevTools pipe: descriptors 3 and 4, JSON, a NUL after each."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.contest import Refused
from benchmarks.processes import environment, tree_cpu

FLAGS = (
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--remote-debugging-pipe",
)

PREFERENCES = {"profile": {"default_content_setting_values": {"automatic_downloads": 1}}}


class Chromium:
    """A warm browser that stands on a page. Use `close` at the end."""

    def __init__(self, program: str, profile: Path) -> None:
        # A site's second download is asked about, and there is nobody to answer.
        (profile / "Default").mkdir(parents=True)
        (profile / "Default" / "Preferences").write_text(json.dumps(PREFERENCES))
        theirs, self._out = os.pipe()
        self._in, ours = os.pipe()

        def descriptors() -> None:
            # Either may be the other's number: neither is closed before both are copied.
            copies = os.dup(theirs), os.dup(ours)
            os.dup2(copies[0], 3)
            os.dup2(copies[1], 4)

        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen(
            [program, *FLAGS, *as_root, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            env=environment(),
            preexec_fn=descriptors,
        )
        os.close(theirs)
        os.close(ours)
        self._buffer = b""
        self._last = 0
        self._session: str | None = None
        (page,) = (each for each in self.call("Target.getTargets")["targetInfos"] if each["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]

    def open(self, url: str) -> None:
        """Go to `url`, which may download in the background."""
        origin = "/".join(url.split("/")[:3])
        session, self._session = self._session, None
        self.call("Browser.grantPermissions", origin=origin, permissions=["backgroundFetch"])
        self._session = session
        self.call("Page.enable")
        self.call("Page.navigate", url=url)
        while self._message().get("method") != "Page.loadEventFired":
            pass

    def evaluate(self, expression: str) -> Any:
        """What the page makes of `expression`, a promise awaited. Raises Refused where it throws."""
        said = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in said:
            details = said["exceptionDetails"]
            raise Refused(f"Chromium: {details.get('exception', {}).get('description', details['text'])}")
        return said["result"].get("value")

    @property
    def cpu(self) -> float:
        """Seconds of the processor that all its processes took so far."""
        return tree_cpu(self._process.pid)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        while (answer := self._message()).get("id") != self._last:
            pass
        if "error" in answer:
            raise Refused(f"Chromium: {method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._in, 1 << 16)
            if not data:
                raise Refused(f"Chromium ended, with exit status {self._process.wait()}")
            self._buffer += data
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message
