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
