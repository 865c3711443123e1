"""The exceptions of the project, on one page."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Literal, NamedTuple

from triage.wording import Wording, joined


class TriageError(Exception):
    """An error that the user can correct; the message says where, what, and what to do."""

    @property
    def wording(self) -> str:
        """The message, which can be said in another language where it is a Wording."""
        return self.args[0] if self.args else ""


_SYSTEM_ERRORS: Mapping[int, Wording] = {
    errno.ENOENT: Wording("No such file or directory"),
    errno.EACCES: Wording("Permission denied"),
    errno.EISDIR: Wording("Is a directory"),
    errno.ENOTDIR: Wording("Not a directory"),
    errno.ENOSPC: Wording("No space left on device"),
    errno.EROFS: Wording("Read-only file system"),
    errno.EADDRINUSE: Wording("Address already in use"),
}


def reason_of(exc: OSError) -> str:
    """What the operating system says; in both languages what it says often."""
    return _SYSTEM_ERRORS.get(exc.errno or 0) or exc.strerror or str(exc)


class TextTooLargeError(TriageError):
    """A text is longer than `limit` characters."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            Wording(
                "the text has {size:,} characters, at most {limit:,} are read; send the alert alone",
                size=size,
                limit=limit,
            )
        )
        self.size = size
        self.limit = limit


_LISTED_FINDINGS = 20


class RulesError(TriageError):
    """Rules could not be loaded; `findings` has every mistake with its place."""

    def __init__(self, findings: tuple[object, ...]) -> None:
        lines = [Wording("{finding}", finding=finding) for finding in findings[:_LISTED_FINDINGS]]
        if more := len(findings) - len(lines):
            lines.append(Wording("and {more} more; see: triage rules check", more=more))
        super().__init__(joined("{a}\n{b}", lines))
        self.findings = findings


class TooManyMistakesError(TriageError):
    """A file has so many mistakes that the rest of it is not read."""


class Mistake(NamedTuple):
    """Why a reply is no XML: the clause of the reply law, what is wrong, and the bytes that prove it."""

    clause: str
    message: str
    span: tuple[int, int]


class MalformedReplyError(TriageError):
    """A callback's reply cannot be parsed as XML; `mistakes` says why, most telling first."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("; ".join(mistake.message for mistake in mistakes))
        self.mistakes = mistakes


class SettingsError(TriageError):
    """A setting cannot be used; `field` names the one that the message is about, if it is about one alone."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class ConfigurationLimitError(TriageError):
    """An nginx configuration has more `what` (characters, words, includes, depth) than the `limit` that is read."""

    def __init__(self, what: str, limit: int, file: str) -> None:
        super().__init__(f"{file}: an nginx configuration of more {what} than {limit:,} is not read")
        self.what = what
        self.limit = limit
        self.file = file


class InputError(TriageError):
    """What was given to a command cannot be read."""


class LogFileError(InputError):
    """A log cannot be read: it is no file, needs a library that is missing, or is damaged."""

    def __init__(self, path: Path, reason: Literal["no_file", "no_zstd", "damaged"]) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


RefusalReason = Literal["malformed", "stale", "signature", "plain", "appid", "replayed"]


class RefusedError(TriageError):
    """An unauthenticated request; it is counted by its `reason` and answered with 403."""

    def __init__(self, message: str, reason: RefusalReason) -> None:
        super().__init__(message)
        self.reason = reason


class BadMessageError(TriageError):
    """A request that is no message of the channel's protocol."""


class IncompleteBodyError(BadMessageError):
    """A request whose body does not come to its end."""


class TooLargeBodyError(BadMessageError):
    """A request with a longer body than is read."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is longer than {limit:,} bytes")
        self.limit = limit


class StoreError(TriageError):
    """The store could not do what was asked."""


class StoreDownError(StoreError):
    """The database does not answer; never the same as a record that is absent."""


class StoreBusyError(StoreDownError):
    """The database is well, but another connection holds a lock, or every connection is in use."""


class ReplacedFileError(StoreDownError):
    """The file of the database, or with `is_log` its log, is no longer the one that was opened: nothing would be found
    again, or two logs would damage the database.
    """

    def __init__(self, file: str, *, is_log: bool = False) -> None:
        super().__init__(_LOG_GONE.filled(file=file) if is_log else _FILE_GONE.filled(file=file))
        self.file = file
        self.is_log = is_log


_FILE_GONE = Wording(
    "the database file {file} was deleted or replaced while it was in use; put it back, or restart triage to go on "
    "with what is there"
)
_LOG_GONE = Wording(
    "the log {file} of the database was deleted or replaced while it was in use; let no other program open the "
    "database, stop triage normally, which moves what the log holds into the database, and start it again"
)


class OvertakenError(StoreError):
    """Somebody else changed first what was to be changed, so nothing was recorded; decide again by what they left."""


class SchemaError(StoreError):
    """The database has another schema than this program; the message names the command that upgrades it."""


class UnreadableMessageError(BadMessageError):
    """The platform has signed it, yet it cannot be read: counted, and answered with a bare `success`.

    A mere BadMessageError comes from nobody we know and takes a 400.
    """


class ApiError(TriageError):
    """The platform's API could not be used; `errcode` is the platform's (None if it gave none), `hint` what to do.

    `maybe_sent` tells that the request was written and nothing came back. Neither the text nor a chained exception
    holds a secret, a token or a query string.
    """

    def __init__(self, what: str, hint: str, errcode: int | None = None, *, maybe_sent: bool = False) -> None:
        super().__init__(Wording("{what}: {hint}", what=what, hint=hint) if hint else what)
        self.what = what
        self.hint = hint
        self.errcode = errcode
        self.maybe_sent = maybe_sent

    def again(self) -> ApiError:
        """The same error for another thread; an exception carries the traceback of one."""
        return ApiError(self.what, self.hint, self.errcode, maybe_sent=self.maybe_sent)


class DownloadError(TriageError):
    """A picture that somebody sent could not be fetched; `reason` says why, in words for whoever sent it.

    `is_passing`: another try may succeed. Neither the text nor a chained exception holds a URL.
    """

    def __init__(self, reason: str, *, is_passing: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_passing = is_passing


PictureReason = Literal[
    "not_a_picture", "too_large", "too_many_pixels", "broken", "too_slow", "busy", "not_installed"
]


class PictureError(TriageError):
    """A picture could not be read; `reason` says why, the message in words for whoever sent it."""

    def __init__(self, message: str, reason: PictureReason) -> None:
        super().__init__(message)
        self.reason = reason


class ForbiddenError(TriageError):
    """Where we do not go: a host nobody named, or an address that is not public."""


class TransportProblem(StrEnum):
    """Why an HTTP request got no answer; the ids are those of the contract where it has them."""

    NO_ADDRESS = "dns_failure"
    REFUSED = "curl_connect"
    CONNECT_TIMEOUT = "connect_timeout"
    NO_ROUTE = "no_route"
    TLS = "tls_failed"
    CERTIFICATE = "bad_certificate"
    EXPIRED = "expired_certificate"
    TIMEOUT = "request_timeout"
    EMPTY = "curl_empty_reply"
    BROKEN = "curl_receive"
    NOT_HTTP = "not_http"
    TOO_LARGE = "too_large"


class UnreachableError(TriageError):
    """No connection, or no whole answer: why, what was said about it, and after how many seconds.

    `verify_code` is OpenSSL's number for what is wrong with a certificate, `received` the bytes that came.
    """

    def __init__(
        self,
        problem: TransportProblem,
        detail: str,
        seconds: float,
        verify_code: int | None = None,
        received: int = 0,
    ) -> None:
        super().__init__(Wording("{problem}: {detail}", problem=problem, detail=detail))
        self.problem = problem
        self.detail = detail
        self.seconds = seconds
        self.verify_code = verify_code
        self.received = received
