"""The exit code of each kind of error, and its message in the words of the command line.

Must not import pandas or pyarrow, also not through other modules: usage errors need neither.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sectorsdf import errors
from sectorsdf.cli.base import INTERRUPTED, PIPE_CLOSED
from sectorsdf.datasets import DATASETS

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["EXIT_CODES", "KEY", "exit_code", "format_error", "in_cli_words"]


USAGE, KEY, NOT_FOUND, LIMIT, SERVER, INCOMPLETE = 2, 3, 4, 5, 6, 7
EXIT_CODES = {
    0: "Success",
    1: "Any other error: data that does not fit with `--strict`, a full disk, a fault of the "
    "program",
    USAGE: "An option, a filter's value or a setting is not valid, or the server refuses it",
    KEY: "The API key is missing, or the server does not accept it",
    NOT_FOUND: "The API does not know a code, slug or province, or, with `--offline`, the answer "
    "is not cached",
    LIMIT: "The rate limit, the plan's quota or `--max-credits` is reached",
    SERVER: "The server failed, did not answer, or sent an answer that cannot be understood",
    INCOMPLETE: "The rows cannot be shown to be complete (see `--allow-partial`)",
    INTERRUPTED: "Interrupted (Ctrl-C); the same command continues from there",
    PIPE_CLOSED: "The reader of the output closed the pipe, as `head` does",
}
# The first that fits counts: a missing key is also an error of configuration.
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
    "https://sectors.app. `sectorsdf demo` and commands with --sandbox need none."
)
# What the library's messages say in Python, and what the command line says instead.
_WORDS = (
    (r"The rows that were found are in \.frame; missing='skip' returns them\.",
     "--skip-missing returns the rows that were found."),
    (r"The rows are in \.frame; allow_partial=True returns them\.",
     "--allow-partial returns the rows."),
    (r"\bgive commodity_type, countries, or both\b", "give --commodity, --country, or both"),
    (r"^names=(?=\S)", ""),
    (r"see sectorsdf\.vocabularies", "see --help"),
    (r"Check SECTORS_API_KEY or api_key", "Check SECTORS_API_KEY or `sectorsdf login`"),
    (r"\bvalidate=False\b", "--no-validate"),
    (r"\bmissing='skip'", "--skip-missing"),
    (r"\ballow_partial=True\b", "--allow-partial"),
    (r"\brefresh=True\b", "--refresh"),
    (r"\boffline=True\b", "--offline"),
    (r"\bqualified=True\b", "--qualified"),
    (r"; read that with pandas\.\w+", ""),
    (r" See frame\.attrs\[[^ ]*", ""),
    (r' frame\.attrs\["\w+"\]\["problems"\] lists all of them\.', ""),
    (r"\b(is|are) in the frame\b", r"\1 in the output"),
    (r",? or (?:pass )?None(?: for \w+(?: limit)?)?(?=[.;,]|$)", ""),
    (r"\boverwrite=True\b", "--overwrite"),
    (r"\bmax_rows does not go\b", "--max-rows does not go"),
    (r"\bleave max_rows out and take head\(\) of the frame", "leave --max-rows out"),
    (r", or a timedelta\b", ""),
    (r"\bpartition_by=(?=\S)", "--partition-by "),
    (r"\bpartition_by\b", "--partition-by"),
    (r"\byears=(?=\S)", "--year "),
    (r"\bRaise max_credits\b", "Raise --max-credits"),
    (r"\bfilter or max_rows\b", "filter or --max-rows"),
    (r"\bLeave offline out\b", "Leave --offline out"),
    (r"\bneeds participant:", "needs --participant:"),
)  # fmt: skip
# Keywords of getters and clients that are options here, besides the filters.
_KEYWORDS = ("max_credits", "max_rows", "max_age", "rate_limit", "workers")
_FILTERS = {entry.name for dataset in DATASETS.values() for entry in dataset.filters}
# A keyword and its equals sign, outside of code and quotation marks.
_KEYWORD = re.compile(rf"(?<![\w.(\"'])({'|'.join(sorted({*_KEYWORDS, *_FILTERS}))})=(?=\S)")


# The options that messages advise.
_ADVICE = frozenset(
    {
        *("--allow-partial", "--skip-missing", "--no-validate", "--refresh", "--offline"),
        *("--max-credits", "--max-rows", "--max-age", "--overwrite", "--columns", "-o"),
    }
)
# A call of a getter with one keyword or none, in a hint.
_CALL = re.compile(r"\bget_(\w+)\((?:(\w+)=([^(),]+))?\)")
# Keys of addressed rows, which are arguments here.
_KEY_NAMES = {"wiup_code": "CODE", "slug": "SLUG"}
_KEY = re.compile(rf"^({'|'.join(_KEY_NAMES)})=(?=\S)")
_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def exit_code(error: BaseException) -> int:
    """Return the exit code of the process after an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), 1)


def format_error(error: BaseException, options: Collection[str] | None = None) -> str:
    """Return an error's message in one line, in the words of the command line.

    For an error that the library does not raise itself, the message names its type and says how to
    see the traceback.

    Parameters
    ----------
    error : BaseException
        The error.
    options : collection of str, optional
        As for `in_cli_words`.
    """
    if isinstance(error, errors.MissingKeyError):
        return _NO_KEY
    text = " ".join(errors.printable(str(error)).split())
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return errors.printable(f"{name}{error.strerror}")
    if not isinstance(error, errors.SectorsdfError):
        return f"{type(error).__name__}: {text} (--debug shows where)"
    return in_cli_words(text, options)


def in_cli_words(text: str, options: Collection[str] | None = None) -> str:
    """Return a message of the library in one line and in the words of the command line.

    Parameters
    ----------
    text : str
        The message.
    options : collection of str, optional
        The options of the command that runs. A hint that names an option of the library which
        this command does not have is left out.
    """
    text = " ".join(errors.printable(text).split())
    for pattern, replacement in _WORDS:
        text = re.sub(pattern, replacement, text)
    text = _KEY.sub(lambda found: f"{_KEY_NAMES[found[1]]} ", text)
    text = _CALL.sub(_command_for, text)
    text = _KEYWORD.sub(lambda found: f"--{found[1].replace('_', '-')} ", text)
    return text if options is None else _without_other_options(text, options)


def _command_for(found: re.Match[str]) -> str:
    """Return the command that makes a getter's call, or the call if there is none."""
    dataset = DATASETS.get(found[1])
    if dataset is None or not dataset.command or dataset.part is not None:
        return found[0]
    option = f" --{found[2].replace('_', '-')} {found[3]}" if found[2] else ""
    return f"`sectorsdf {dataset.command}{option}`"


def _without_other_options(text: str, options: Collection[str]) -> str:
    """Leave out each later clause of a message that advises an option the command does not have."""
    kept = []
    for number, part in enumerate(re.split(r"(?<=[.;]) (?=\S)", text)):
        # Text between backticks is a command of its own.
        named = _OPTION.findall(re.sub("`[^`]*`", "", part))
        if number == 0 or not (set(named) & _ADVICE) - set(options):
            kept.append(part)
    # The clause before one that was left out may end with its separator.
    whole = " ".join(kept)
    return f"{whole[:-1]}." if whole.endswith(";") else whole
