"""FormData: https://xhr.spec.whatwg.org/#interface-formdata"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from swruntime.algorithms import forms, webidl
from swruntime.realms.python.blob import Blob, File
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.pairs import Pairs

FormDataEntryValue = str | File


class FormData(Pairs[FormDataEntryValue]):
    """The fields of a form, in their order; a name may be there more than once. Raises TypeError.

    A value is a str or a Blob; a Blob becomes a File, whose name is "blob" unless `filename` says another.
    """

    _context: RealmContext

    def __init__(self, form: None = None, submitter: None = None) -> None:
        self._context.check_alive()
        for name, value in (("form", form), ("submitter", submitter)):
            if value is not None:
                raise TypeError(f"{name} is {webidl.shown(value)}; there are no HTML forms here: append()")
        self._entries: list[tuple[str, FormDataEntryValue]] = []

    @classmethod
    def _of(cls, context: RealmContext, entries: Iterable[forms.Entry]) -> FormData:
        bound = context.bind(FormData)
        self = bound.__new__(bound)
        self._entries = [
            (name, value if isinstance(value, str) else _file(context, value)) for name, value in entries
        ]
        return self

    @property
    def _concept(self) -> list[forms.Entry]:
        return [
            (name, value if isinstance(value, str) else forms.FilePart(value._data, value.name, value.type))
            for name, value in self._entries
        ]

    def __repr__(self) -> str:
        return f"<FormData {self._entries!r}>"

    def __iter__(self) -> Iterator[tuple[str, FormDataEntryValue]]:
        return iter(tuple(self._entries))

    def __contains__(self, name: object) -> bool:
        return any(each == name for each, _ in self._entries)

    def append(self, name: str, value: str | Blob, filename: str | None = None) -> None:
        self._entries.append(self._entry(name, value, filename))

    def delete(self, name: str) -> None:
        name = webidl.usv_string("name", name)
        self._entries = [entry for entry in self._entries if entry[0] != name]

    def get(self, name: str) -> FormDataEntryValue | None:
        """The first value of that name, None where there is none."""
        return next(iter(self.get_all(name)), None)

    def get_all(self, name: str) -> list[FormDataEntryValue]:
        name = webidl.usv_string("name", name)
        return [value for each, value in self._entries if each == name]

    def has(self, name: str) -> bool:
        return webidl.usv_string("name", name) in self

    def set(self, name: str, value: str | Blob, filename: str | None = None) -> None:
        """Replace the first value of that name, and drop the others; append where there is none."""
        entry = self._entry(name, value, filename)
        places = [index for index, (each, _) in enumerate(self._entries) if each == entry[0]]
        if places:
            self._entries[places[0]] = entry
        else:
            self._entries.append(entry)
        for index in reversed(places[1:]):
            del self._entries[index]

    def _entry(self, name: object, value: object, filename: object) -> tuple[str, FormDataEntryValue]:
        """https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#create-an-entry"""
        # 1.
        text = webidl.usv_string("name", name)
        # 2. A text.
        if isinstance(value, str):
            if filename is not None:
                raise TypeError(f"filename is {webidl.shown(filename)} and value a str; expected a Blob")
            return text, webidl.usv_string("value", value)
        if not isinstance(value, Blob):
            raise TypeError(f"value is {webidl.shown(value)}; expected str or Blob")
        # 3. A file.
        if isinstance(value, File) and filename is None:
            return text, value
        called = "blob" if filename is None else webidl.usv_string("filename", filename)
        modified = value.last_modified if isinstance(value, File) else None
        return text, File._named(self._context, value._data, value.type, called, modified)


def _file(context: RealmContext, part: forms.FilePart) -> File:
    return File._named(context, part.data, part.type, part.name)
