"""Evaluates a script of SITE in a realm: anew each time, with everything under SITE that it imports.

A script is trusted local code; it is compiled with its real path, so tracebacks and debuggers find it, and
nothing is written beside it.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from types import CodeType
from typing import Any
from urllib.parse import unquote

from swruntime.algorithms import urls
from swruntime.errors import NetworkError, NotServed, ScriptError, SiteError
from swruntime.realms.python.console import Console
from swruntime.realms.python.context import RealmContext, error_text
from swruntime.realms.python.importer import Importer
from swruntime.realms.python.sitefiles import decode, script_path, url_path


class Loader:
    """The scripts of one realm, whose `context` has a site folder.

    `globals` are what the script finds at its start. `scope_modules` maps "swruntime.worker" or
    "swruntime.window" to the names that it has in this realm. `absent` is asked for the error of a name that is
    nowhere; None is Python's own.
    """

    def __init__(
        self,
        context: RealmContext,
        *,
        globals: Mapping[str, object],
        scope_modules: Mapping[str, Mapping[str, object]] | None = None,
        console: Console | None = None,
        absent: Callable[[str], NameError | None] = lambda name: None,
        sources: MutableMapping[str, bytes] | None = None,
        lacks: Callable[[str], None] = lambda path: None,
    ) -> None:
        if context.site is None:
            raise SiteError(f"the realm of {context.environment.url} has no SITE to take a script from")
        self._context = context
        self._site = context.site
        self._console = console or Console(context)
        self._globals = globals
        self._absent = absent
        self._scope_modules = dict(scope_modules or {})
        self.namespace: dict[str, Any] = {}
        """The script's globals, once it runs."""
        self.codes: dict[str, CodeType] = {}
        """Of what was evaluated, by its name relative to SITE."""
        self.importer: Importer | None = None
        """What the script imported through, once it runs."""
        self.sources: MutableMapping[str, bytes] = {} if sources is None else sources
        """What was read of SITE, by path ("/lib/tools.py"). What is in here already is not read again."""
        self._lacks = lacks
        """Called with the path of what was imported, and is not there."""

    def run(self, path: str) -> dict[str, Any]:
        """Evaluate the script at `path` ("/worker.py", or relative to SITE) and answer with its globals.

        Raises SiteError where SITE has no such script, and ScriptError, with the line, for what it raises.
        """
        file = script_path(self._site, path)
        root = self._site.folder
        folders = (file.parent,) if file.parent == root else (file.parent, root)
        importer = Importer(
            self._site, folders, self._execute, self._scope_modules, self._absent, self._lacks
        )
        self.importer = importer
        importer.builtins["print"] = self._print
        module = importer.script(file, self._globals)
        self.namespace = module.__dict__
        try:
            importer.evaluate(module, file)
        except (ScriptError, SiteError):
            raise
        except Exception as error:
            raise ScriptError(error_text(error), where=self._context.where_of(error)) from error
        return self.namespace

    def import_scripts(self, *scripts: str) -> None:
        """Evaluate further scripts in the worker's globals, in order.

        URLs are relative to the worker's own; they must be SITE's. What a script raises comes through. Raises
        TypeError for what is not a URL, and NetworkError where SITE has no such script.
        Spec: https://html.spec.whatwg.org/multipage/workers.html#import-scripts-into-worker-global-scope
        """
        self._context.check_alive()
        base = self._context.environment.url
        # 4. All of them must parse before one runs.
        parsed = [urls.parse(each, base) for each in scripts]
        # 5. One after the other.
        for url in parsed:
            if not urls.same_origin(url.href, base):
                raise NetworkError(f"{url.href} is of another origin: Python scripts are read from SITE only")
            try:
                file = script_path(self._site, url.pathname)
            except SiteError as error:
                self._lacks(unquote(url.pathname))
                raise NetworkError(f"import_scripts of {url.href}: {error}") from error
            self._execute(file, self.namespace)

    def _execute(self, file: Path, namespace: dict[str, Any]) -> None:
        name = file.relative_to(self._site.folder).as_posix()
        data = self.sources.get(f"/{name}")
        if data is None:
            try:
                data = self.sources[f"/{name}"] = self._site.read(url_path(name))
            except NotServed as refused:
                self._lacks(f"/{name}")
                raise ImportError(f"{name} is not served: {refused.why}") from None
        source = decode(data, name)
        code = compile(source, str(file), "exec", dont_inherit=True)
        self._context.script_read(name, source)
        self.codes[name] = code
        with self._context.script_running:
            exec(code, namespace)

    def _print(
        self,
        *values: object,
        sep: str | None = None,
        end: str | None = None,
        file: Any = None,
        flush: bool = False,
    ) -> None:
        """The scripts' `print`: standard output and standard error are the console's."""
        if file is not None and file is not sys.stdout and file is not sys.stderr:
            builtins.print(*values, sep=sep, end=end, file=file, flush=flush)
            return
        text = (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
        level = "error" if file is not None and file is sys.stderr else "log"
        self._console._tell(level, text.removesuffix("\n"))
