"""What a command line ends with: an exit code for each kind of error, and one line of words."""

from __future__ import annotations

import re

from sectorsdf import errors

__all__ = ["EXIT_CODES", "INTERRUPTED", "PIPE_CLOSED", "exit_code", "format_error", "in_cli_words"]


USAGE, KEY, NOT_FOUND, LIMIT, SERVER, INCOMPLETE = 2, 3, 4, 5, 6, 7
INTERRUPTED = 130
PIPE_CLOSED = 141
EXIT_CODES = {
    0: "Done.",
    1: "Anything else: data that does not fit with `--strict`, a full disk, a fault of the program",
    USAGE: "The words, a filter's value or a setting cannot be used; or the server refuses them",
    KEY: "There is no API key, or the server does not accept it",
    NOT_FOUND: "The API does not know a code or slug; with `--offline`, the cache does not hold it",
    LIMIT: "The rate limit, the plan's quota or `--max-credits` is reached",
    SERVER: "The server failed, did not answer, or gave an answer that cannot be understood",
    INCOMPLETE: "The rows cannot be shown to be complete (see `--allow-partial`)",
    INTERRUPTED: "Interrupted (Ctrl-C); the same command goes on from there",
    PIPE_CLOSED: "Whoever read the output has stopped reading, as `head` does",
}
# The first that fits counts: a missing key is a setting as well, and belongs to the keys.
_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (errors.MissingKeyError, KEY),
    (errors.AuthenticationError, KEY),
    (errors.FilterError, USAGE),
    (errors.ConfigurationError, USAGE),
    (errors.BadRequestError, USAGE),
    (errors.NotFoundError, NOT_FOUND),
    (errors.NotCachedError, NOT_FOUND),
    (errors.RateLimitError, LIMIT),
    (errors.QuotaExhaustedError, LIMIT),
    (errors.CreditLimitError, LIMIT),
    (errors.APIError, SERVER),
    (errors.IncompleteSweepError, INCOMPLETE),
)
_NO_KEY = (
    "No API key. Run `sectorsdf login` or set SECTORS_API_KEY; a key comes from your account at "
    "https://sectors.app. `sectorsdf demo` needs none."
)
# The library's words, which are Python, and what they are called here.
_WORDS = (
    (r"The rows that were found are in \.frame; missing='skip' returns them\.",
     "--skip-missing gives the rows that were found."),
    (r"see sectorsdf\.vocabularies", "see --help"),
    (r"Check SECTORS_API_KEY or api_key", "Check SECTORS_API_KEY or `sectorsdf login`"),
    (r"\bvalidate=False\b", "--no-validate"),
    (r"\bmissing='skip'", "--skip-missing"),
    (r"\ballow_partial=True\b", "--allow-partial"),
    (r"\brefresh=True\b", "--refresh"),
    (r"\boffline=True\b", "--offline"),
    (r"\bqualified=True\b", "--qualified"),
    (r"\bstrict=True\b", "--strict"),
    (r" See frame\.attrs\[[^ ]*", ""),
    (r"\bRaise max_credits\b", "Raise --max-credits"),
    (r"\bfilter or max_rows\b", "filter or --max-rows"),
    (r"\bLeave offline out\b", "Leave --offline out"),
    (r"\bneeds participant:", "needs --participant:"),
)  # fmt: skip
_OPTION = re.compile(
    r"(?<![\w.(\"'])(max_credits|max_rows|max_age|rate_limit|workers|participant|min_participants"
    r"|min_production|commodity_type|license_type|area_type|province|company|activity|status|year"
    r"|order_by|cnc)=(?=\S)"
)


def exit_code(error: BaseException) -> int:
    """Return what the process ends with after an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), 1)


def format_error(error: BaseException) -> str:
    """Return an error in one line, in the command line's own words.

    An error that nobody has foreseen tells its kind, and how to see where it comes from.
    """
    if isinstance(error, errors.MissingKeyError):
        return _NO_KEY
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror}"
    if not isinstance(error, errors.SectorsdfError):
        return f"{type(error).__name__}: {text} (--debug shows where)"
    return in_cli_words(text)


def in_cli_words(text: str) -> str:
    """Return what the library says, in one line and in the command line's own words."""
    text = " ".join(text.split())
    for theirs, ours in _WORDS:
        text = re.sub(theirs, ours, text)
    return _OPTION.sub(lambda found: f"--{found[1].replace('_', '-')} ", text)
