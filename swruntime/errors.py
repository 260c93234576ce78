"""Every exception that swruntime raises on purpose, in one tree.

Exception
 +-- TypeError                      the specs' TypeError is Python's own
 |    +-- NetworkTypeError          a network error, as `fetch()` and bodies have it
 +-- DOMException                   what scripts see; one subclass per name that is in use
 |    +-- AbortError, ConstraintError, DataCloneError, DataError, InvalidAccessError,
 |    |   InvalidCharacterError, InvalidStateError, NetworkError, NotAllowedError, NotFoundError, NotSupportedError,
 |    |   OperationError, SecurityError, TimeoutError_, UnknownError, VersionError
 |    +-- QuotaExceededError
 +-- SwruntimeError
      +-- UsageError                the caller's fault: an argument, a folder, a profile
      |    +-- SiteError            no such SITE, no worker in it, no such script
      |    +-- NotConfined          the kernel does not confine JavaScript, which was required
      |    |    +-- NotServed       a path of SITE that is not served
      |    |         +-- FewDescriptors  ... now, because nothing can be opened
      |    +-- ProfileError
      |         +-- ProfileInUse    another process writes it
      |         +-- NotAProfile     the folder or the database is something else
      |         +-- ProfileTooNew   written by a later version
      |         +-- ProfileChanged  another process has written it while it was read: ask again
      |         +-- OriginMismatch  the profile belongs to another origin
      +-- ScriptError               a worker or page script raised, or does not compile
      +-- WaitingForUser            only a user or the network switch could go on
      +-- NetworkFailure            an exchange failed; the agent turns it into a state
      +-- StorageFull               no room on the disk
      +-- StorageFailed             the disk failed: the agent ends, as though the process had died
      +-- BodyDamaged               a stored body is not as long as it was
      +-- OutputFailed              standard output, a trace or a recording cannot be written
      +-- TraceViolation            the monitor: a trace breaks the specs' state machines
      +-- SpecError                 a file of specs/ is not what it should be: our bug
      +-- ImpossibleInput           a machine was fed what its table does not list: our bug
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, get_args

Cause = Literal[
    "dns",  # the host name does not resolve
    "connect",  # refused, or unreachable
    "reset",  # an established connection broke
    "timeout",  # no byte for too long
    "offline",  # the user's switch, or no route at all
    "proxy",  # a proxy refuses to go there, or wants to know who asks
    "tls",  # the certificate or the handshake
    "truncated",  # the body ended before its length, its chunks or its coding said
    "coding",  # the content coding is corrupt
    "protocol",  # what came is not HTTP, or contradicts itself
    "changed",  # the server's file is another one than the one that was begun
    "cors",
    "csp",
    "mixed-content",
    "redirect",  # too many, or not allowed by the request's redirect mode
    "bad-port",
    "scheme",
    "integrity",  # the body is not what the request's integrity metadata says
    "status",  # the server answered, and its status is not ok
    "quota",
    "download-total",
    "aborted",
    "not-recorded",  # a recording is replayed, and has no answer to this request
]
"""Why a record or a request ended as it did, a closed list. A trace's `cause` is one of these or null."""

CAUSES: tuple[Cause, ...] = get_args(Cause)


class DOMException(Exception):
    """An exception of the Web IDL standard, told apart by `name`.

    Spec: https://webidl.spec.whatwg.org/#idl-DOMException
    """

    name: ClassVar[str] = "Error"

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class AbortError(DOMException):
    name = "AbortError"


class ConstraintError(DOMException):
    name = "ConstraintError"


class DataCloneError(DOMException):
    name = "DataCloneError"


class DataError(DOMException):
    name = "DataError"


class InvalidAccessError(DOMException):
    name = "InvalidAccessError"


class InvalidCharacterError(DOMException):
    name = "InvalidCharacterError"


class InvalidStateError(DOMException):
    name = "InvalidStateError"


class NetworkError(DOMException):
    name = "NetworkError"


class NotAllowedError(DOMException):
    name = "NotAllowedError"


class NotFoundError(DOMException):
    name = "NotFoundError"


class NotSupportedError(DOMException):
    name = "NotSupportedError"


class OperationError(DOMException):
    name = "OperationError"


class SecurityError(DOMException):
    name = "SecurityError"


class TimeoutError_(DOMException):
    name = "TimeoutError"


class UnknownError(DOMException):
    name = "UnknownError"


class VersionError(DOMException):
    name = "VersionError"


class QuotaExceededError(DOMException):
    """Storage has no room for what was asked.

    `quota` and `requested` are in bytes; either may be None when it is not told.
    Spec: https://webidl.spec.whatwg.org/#quotaexceedederror
    """

    name = "QuotaExceededError"

    def __init__(self, message: str = "", *, quota: int | None = None, requested: int | None = None) -> None:
        super().__init__(message)
        self.quota = quota
        self.requested = requested


class NetworkTypeError(TypeError):
    """A network error: its message says what is wrong, which helps whoever runs the script.

    `told` is what may be told to a script that nobody vouches for. Where a redirect leads, and what a server of another
    origin answered without CORS, is not in it.
    """

    def __init__(self, message: str, told: str) -> None:
        super().__init__(message)
        self.told = told


class SwruntimeError(Exception):
    """The base of what is not an exception of the web platform."""


class UsageError(SwruntimeError):
    """An argument was wrong: the message names it, its value, and what is expected. Nothing was changed."""


class SiteError(UsageError):
    """SITE, or a file that is expected in it, is not there."""


class NotConfined(UsageError):
    """JavaScript was to run behind the kernel's confinement only, and this kernel has less: nothing was run."""


NOTHING_THERE = "there is no such file"


class NotServed(SiteError):
    """A path of SITE that its server has no file for; `status` is what it answers, `why` says it in words."""

    def __init__(self, status: int, why: str = NOTHING_THERE) -> None:
        super().__init__(why)
        self.status = status
        self.why = why

    @property
    def absent(self) -> bool:
        """There is nothing of that name, as far as anybody may know."""
        return self.why == NOTHING_THERE


class FewDescriptors(NotServed):
    """Nothing is known of a path of SITE: too many files are open to open another. Try again later.

    Whoever hands on what is served waits; see `swruntime.ports.descriptors`.
    """

    def __init__(self, why: str) -> None:
        super().__init__(503, why)


class ProfileError(UsageError):
    """The profile cannot be used as asked. It was left as it is."""


class ProfileInUse(ProfileError):
    """Another process writes this profile; the message names its process id. Wait for it, or stop it."""


class NotAProfile(ProfileError):
    """The folder, or the database in it, is not a profile of swruntime."""


class ProfileChanged(ProfileError):
    """Another process has written the profile while it was read, so that what comes would be of two moments."""


class ProfileTooNew(ProfileError):
    """A later version of swruntime wrote this profile. Update swruntime."""


class OriginMismatch(ProfileError):
    """The profile belongs to another origin; the message names both."""


class ScriptError(SwruntimeError):
    """A worker or page script raised, or does not compile.

    `where` is "file:line" in the script, or None where no line of it took part.
    """

    def __init__(self, message: str, *, where: str | None = None) -> None:
        super().__init__(message)
        self.where = where


class WaitingForUser(SwruntimeError):
    """Nothing can go on but by a user or the network switch. `waiting` has one line for each thing that waits."""

    def __init__(self, waiting: tuple[str, ...]) -> None:
        super().__init__("waiting for the user or the network switch:\n  " + "\n  ".join(waiting))
        self.waiting = waiting


class NetworkFailure(SwruntimeError):
    """An exchange on the network failed before its response was complete.

    `cause` is from the closed list of `swruntime.concepts.causes`. Never reaches a script: a
    background fetch turns it into a wait or a result, `fetch()` into a TypeError.
    """

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
        self.redirected = False
        """It came after a redirect: its message may tell where to."""


class StorageFull(SwruntimeError):
    """The disk has no room. What was stored before stays as it was."""


class StorageFailed(SwruntimeError):
    """The profile could not be read or written (an I/O error, no descriptors, a disk that became read-only).

    The store does nothing more then, and the agent ends: what is stored is what the death of the process at that
    moment would have left. Mend the disk; `run` or `resume` goes on.
    """


class BodyDamaged(SwruntimeError):
    """The file of a stored body is shorter than it was, longer, or gone: another hand, or the disk, was at it.

    The message names the file. Nothing of such a body is presented as though it were whole.
    """


class OutputFailed(SwruntimeError):
    """Something that a run writes besides its profile cannot be written: standard output, a trace, a recording.

    `what` names it. Whatever was under way has ended as an interrupt ends it: the profile keeps what was stored.
    """

    def __init__(self, what: str, error: OSError) -> None:
        super().__init__(f"{what} cannot be written: {error.strerror or error}")
        self.what = what
        self.errno = error.errno


class TraceViolation(SwruntimeError):
    """A trace does what the specs' state machines do not allow.

    `step` is what is broken, in words; `anchor` the URL of the step in its standard, or None where the trace's own
    rules are broken; `lines` are those of the same thing that led there, in order, the one that breaks it last.
    """

    def __init__(
        self,
        message: str,
        *,
        step: str = "",
        anchor: str | None = None,
        lines: tuple[dict[str, Any], ...] = (),
    ) -> None:
        super().__init__(message)
        self.step = step
        self.anchor = anchor
        self.lines = lines


class SpecError(SwruntimeError):
    """A file of specs/ is not what it should be: the message names the file and the entry."""


class ImpossibleInput(SwruntimeError):
    """A machine was fed an input that its table does not list in its state. This is a defect of swruntime."""

    def __init__(self, machine: str, state: str, input: str) -> None:
        super().__init__(f"{machine}: no transition from {state} on {input} (a defect of swruntime)")
