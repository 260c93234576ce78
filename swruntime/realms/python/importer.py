"""Imports in a realm: every module under SITE belongs to the realm that imported it.

A realm's code has its own `__builtins__`, whose `__import__` looks under SITE first, as Python looks beside a
script first. What it finds goes into the realm's table of modules, never to stay in `sys.modules`; so the
next start of the worker evaluates it anew. Everything else is imported as ever, and shared.

`swruntime.worker` and `swruntime.window` are, in a realm, modules with that scope's own names.
"""

from __future__ import annotations

import builtins
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from swruntime.network.site_files import SiteFiles
from swruntime.realms.python.global_state import Watched
from swruntime.realms.python.sitefiles import SUFFIX, url_path

SCOPE_MODULES = frozenset({"swruntime.worker", "swruntime.window"})


class _Builtins(dict[str, Any]):
    """What a realm's code finds when a name is none of its globals. It says what is absent, and why."""

    def __init__(self, absent: Callable[[str], NameError | None], names: Mapping[str, Any]) -> None:
        super().__init__(names)
        self._absent = absent

        self.watched: Watched | None = None
        """Globals that were taken out of the namespace, until they are read."""

    def __missing__(self, name: str) -> Any:
        if self.watched is not None:
            frame = sys._getframe(1)
            if self.watched.read(name, frame.f_globals, frame.f_code, frame.f_lineno):
                return frame.f_globals[name]
        raise self._absent(name) or KeyError(name)


class Importer:
    """One realm's modules.

    `folders`, of `site`, are searched in order. `execute(file, namespace)` evaluates a file. `scope_modules` has the
    names of `swruntime.worker` or `swruntime.window`, whichever this realm is. `absent` is asked for the error of a
    name that is nowhere; None is Python's own. `lacks` is told the paths ("/tools.py") of what SITE does not have, and
    nobody else either.
    """

    def __init__(
        self,
        site: SiteFiles,
        folders: tuple[Path, ...],
        execute: Callable[[Path, dict[str, Any]], None],
        scope_modules: Mapping[str, Mapping[str, object]],
        absent: Callable[[str], NameError | None] = lambda name: None,
        lacks: Callable[[str], None] = lambda path: None,
    ) -> None:
        self._site = site
        self._lacks = lacks
        self._folders = folders
        self._execute = execute
        self._scope_modules = scope_modules
        self._modules: dict[str, ModuleType] = {}
        self.builtins: _Builtins = _Builtins(absent, {**vars(builtins), "__import__": self.import_})

    def import_(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: tuple[str, ...] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """What an import statement calls: https://docs.python.org/3/library/functions.html#import__"""
        names = fromlist or ()
        if level:
            package = _package(globals)
            if not package and level == 1:
                # A script at the top has no package; what it means by a dot is clear all the same.
                return self._siblings(name, names)
            name = importlib.util.resolve_name("." * level + name, package)
        top = name.partition(".")[0]
        if top == "swruntime":
            return self._import_swruntime(name, names)
        if not self._is_ours(top):
            try:
                return builtins.__import__(name, globals, locals, names, 0)
            except ModuleNotFoundError as error:
                if error.name is not None and error.name.partition(".")[0] == top:
                    self._tell_absent(top, self._folders)
                raise
        module = self._load(name)
        if names:
            return self._with_submodules(module, names)
        return self._modules[top]

    def script(self, file: Path, namespace: Mapping[str, object]) -> ModuleType:
        """The module of the realm's own script, not yet evaluated; its globals start as `namespace`."""
        module = self._modules[file.stem] = self._new_module(file.stem, file)
        module.__dict__.update(namespace)
        return module

    def evaluate(self, module: ModuleType, file: Path) -> None:
        """Raises whatever the module raises."""
        with _visible(module.__name__, module):
            self._execute(file, module.__dict__)

    @property
    def modules(self) -> Mapping[str, ModuleType]:
        """Those that are this realm's own, the script's among them."""
        return self._modules

    # Under SITE

    def _is_ours(self, top: str) -> bool:
        return top in self._modules or self._find(top, self._folders) is not None

    def _load(self, name: str) -> ModuleType:
        """The module `name`, evaluated if it is the first time. Raises ModuleNotFoundError."""
        if name in self._modules:
            return self._modules[name]
        parent_name, _, last = name.rpartition(".")
        parent = self._load(parent_name) if parent_name else None
        if name in self._modules:  # its package imported it
            return self._modules[name]
        folders = self._folders if parent is None else _search_path(parent)
        found = self._find(last, folders)
        if found is None:
            self._tell_absent(last, folders)
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return self._evaluate(name, found, parent)

    def _evaluate(self, name: str, found: Path, parent: ModuleType | None) -> ModuleType:
        module = self._new_module(name, found)
        # In the table before it is evaluated: modules may import each other.
        self._modules[name] = module
        if parent is not None:
            setattr(parent, name.rpartition(".")[2], module)
        if not is_file(found):
            return module
        try:
            self.evaluate(module, found)
        except BaseException:
            del self._modules[name]
            if parent is not None:
                delattr(parent, name.rpartition(".")[2])
            raise
        return module

    def _new_module(self, name: str, found: Path) -> ModuleType:
        module = ModuleType(name)
        is_package = not is_file(found) or found.name == "__init__.py"
        module.__package__ = name if is_package else name.rpartition(".")[0]
        module.__spec__ = ModuleSpec(name, None, origin=str(found), is_package=is_package)
        module.__dict__["__builtins__"] = self.builtins
        if is_package:
            module.__path__ = [str(found.parent if is_file(found) else found)]
        if is_file(found):
            module.__file__ = str(found)
        return module

    def _find(self, name: str, folders: tuple[Path, ...]) -> Path | None:
        """A package's __init__.py, a module's file, or a folder that has neither but may have modules.

        Raises ImportError for what is there and is not served.
        """
        for folder in folders:
            for file in (folder / name / "__init__.py", folder / f"{name}.py"):
                if self._is_served(file, name):
                    return file
        if folders is not self._folders or not _is_elsewhere(name):
            for folder in folders:
                if self._site.is_folder(self._url_path(folder / name)):
                    return folder / name
        return None

    def _tell_absent(self, name: str, folders: tuple[Path, ...]) -> None:
        for folder in folders:
            for file in (folder / name / "__init__.py", folder / f"{name}.py"):
                if file.is_relative_to(self._site.folder):
                    self._lacks(f"/{file.relative_to(self._site.folder).as_posix()}")

    def _is_served(self, file: Path, name: str) -> bool:
        """Raises ImportError for what is there and is not served."""
        path = self._url_path(file)
        if self._site.is_file(path):
            return True
        if (why := self._site.why_not(path)) is not None:
            raise ImportError(f"{name}: {path} is not served: {why}", name=name)
        return False

    def _url_path(self, path: Path) -> str:
        """The path of the URL that it is served at; of what is not below SITE, one that nothing is served at."""
        root = self._site.folder
        return url_path(path.relative_to(root).as_posix() if path.is_relative_to(root) else os.pardir)

    def _with_submodules(self, module: ModuleType, names: tuple[str, ...]) -> ModuleType:
        """`from package import name`, where the name may be a module of the package."""
        if hasattr(module, "__path__"):
            if "*" in names:
                names = (*names, *getattr(module, "__all__", ()))
            for name in names:
                if name != "*" and not hasattr(module, name) and self._find(name, _search_path(module)):
                    self._load(f"{module.__name__}.{name}")
        return module

    def _siblings(self, name: str, names: tuple[str, ...]) -> ModuleType:
        if name:
            return self._with_submodules(self._load(name), names)
        siblings = ModuleType("")
        for each in names:
            setattr(siblings, each, self._load(each))
        return siblings

    # swruntime, which has the scope's own module

    def _import_swruntime(self, name: str, names: tuple[str, ...]) -> ModuleType:
        if name in SCOPE_MODULES:
            module = self._scope_module(name)
        else:
            module = builtins.__import__(name, fromlist=("",))
        if names and name != "swruntime":
            return module
        package = self._swruntime()
        for each in names:
            if f"swruntime.{each}" in SCOPE_MODULES:
                self._scope_module(f"swruntime.{each}")
        return package

    def _scope_module(self, name: str) -> ModuleType:
        if name not in self._scope_modules:
            here = " and ".join(self._scope_modules) or "neither scope's module"
            raise ImportError(f"{name} is not to be had in this realm, which has {here}", name=name)
        if name not in self._modules:
            module = ModuleType(name)
            module.__dict__.update(self._scope_modules[name])
            self._modules[name] = module
        return self._modules[name]

    def _swruntime(self) -> ModuleType:
        """The package `swruntime` as this realm sees it: with its own scope's module in it."""
        if "swruntime" not in self._modules:
            real = builtins.__import__("swruntime")

            def get(name: str) -> object:
                full = f"swruntime.{name}"
                return self._scope_module(full) if full in SCOPE_MODULES else getattr(real, name)

            package = ModuleType("swruntime", real.__doc__)
            package.__dict__["__getattr__"] = get
            self._modules["swruntime"] = package
        return self._modules["swruntime"]


def is_file(found: Path) -> bool:
    """Whether what was found is a module's file; else it is a folder that has modules."""
    return found.suffix == SUFFIX


def _package(globals: Mapping[str, object] | None) -> str:
    package = (globals or {}).get("__package__")
    return package if isinstance(package, str) else ""


def _search_path(package: ModuleType) -> tuple[Path, ...]:
    return tuple(Path(folder) for folder in getattr(package, "__path__", ()))


def _is_elsewhere(name: str) -> bool:
    """Whether Python finds a module of that name with code in it, which goes before a mere folder of SITE."""
    if name in sys.modules:
        return True
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:
        return False
    return spec is not None and spec.origin is not None


@contextmanager
def _visible(name: str, module: ModuleType) -> Iterator[None]:
    """While a module is evaluated, decorators find it where they look for it.

    `dataclasses` looks its class's module up in `sys.modules`, and fails where it is not there. A module that
    is there already is never hidden.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = module
    try:
        yield
    finally:
        sys.modules.pop(name, None)
