"""The exceptions of the project, on one page."""


class TriageError(Exception):
    """What the caller can mend; the message says where, what, and what to do."""


class TextTooLargeError(TriageError):
    """A text is longer than the scanner reads."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"the text has {size:,} characters, at most {limit:,} are read; send the alert alone"
        )
        self.size = size
        self.limit = limit


class RulesError(TriageError):
    """Rules could not be used; `findings` says why, line by line."""

    def __init__(self, findings: tuple[object, ...]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = findings


class SettingsError(TriageError):
    """A `TRIAGE_…` variable cannot be used."""


class InputError(TriageError):
    """What was given to a command cannot be read."""


class RefusedError(TriageError):
    """A request that nobody entitled has sent; it is counted and answered with 403."""


class BadMessageError(TriageError):
    """A request that is no message of the channel's protocol."""


class StoreError(TriageError):
    """The store could not do what was asked."""


class StoreDownError(StoreError):
    """The database does not answer; never the same as a record that is absent."""


class StoreBusyError(StoreDownError):
    """The database is well, but somebody else holds what is needed, or there is no time left to ask."""


class SchemaError(StoreError):
    """The database has another schema than this program; the message names the command that upgrades it."""
