"""The commands `login`, `logout` and `completion`.

What only the check of a key needs is imported when a key is checked.
"""

from __future__ import annotations

import json
import sys
from http import HTTPStatus
from typing import IO, Any, Literal, cast

import click

from sectorsdf.cli.base import Command, Option
from sectorsdf.cli.completion import SHELLS, script
from sectorsdf.cli.exit_codes import KEY
from sectorsdf.config import settings
from sectorsdf.config.api_key import ApiKey
from sectorsdf.config.keystore import forget_key, hidden, save_key
from sectorsdf.errors import APIError, AuthenticationError, BadRequestError

__all__ = ["completion_command", "login_command", "logout_command"]

# Two parameters are invalid, so that a server which checks any of them answers with 400. That is
# free, and the server only does it after it has accepted the key.
_PATH = "/v2/mining/sites/"
_INVALID_QUERY = {"year": "none", "order_by": "none", "limit": "1"}


@click.command(
    cls=Command,
    params=[
        Option(
            ["--key-file"],
            type=click.File("r", encoding="utf-8"),
            metavar="FILE",
            help="Read the key from a file; - is standard input.",
        ),
        Option(
            ["--store"],
            type=click.Choice(["auto", "keyring", "file"]),
            default="auto",
            show_default=True,
            help="Where to store it: the system's keyring (extra keyring), or a file that only you "
            "can read; auto uses the keyring if there is one.",
        ),
        Option(
            ["--check/--no-check"],
            default=True,
            show_default=True,
            help="Whether to ask the API if it accepts the key.",
        ),
    ],
)
def login_command(key_file: IO[str] | None, store: str, check: bool) -> None:  # noqa: FBT001
    """Check an API key and store it on this machine.

    The command prompts for the key and does not show it, or reads it from standard input. The key
    is not an argument, because other users can see a process's arguments. It is stored for the
    API's address (SECTORSDF_BASE_URL or the provider's own) and used if SECTORS_API_KEY is not set.

    The check is a request with an invalid parameter: a server that refuses the parameter has
    accepted the key, and the answer is free. A server that answers the request takes one credit,
    never more, and the command reports it.
    """
    address = settings.base_url(None)
    key = ApiKey(str.__str__(_read_key(key_file)))
    if check:
        click.echo(_check_key(key, address), err=True)
    where = save_key(
        cast("str", hidden(key.secret())),
        address,
        store=cast('Literal["auto", "keyring", "file"]', store),
    )
    click.echo(f"Stored in {where} for {address}.", err=True)


class _NoKeyError(click.ClickException):
    """Standard input was empty."""

    exit_code = KEY

    def __init__(self) -> None:
        super().__init__("Standard input has no key. Give it there, or with --key-file.")


def _read_key(key_file: IO[str] | None) -> str:
    """Return the key from the file, the prompt or standard input."""
    if key_file is not None:
        text = hidden(key_file.read())
    elif sys.stdin.isatty():
        text = hidden(click.prompt("API key", hide_input=True, err=True))
    else:
        text = hidden(sys.stdin.read())
        if not cast("str", text).strip():
            raise _NoKeyError
    return cast("str", text)


def _parse_list(body: bytes) -> bool:
    """Return whether the body is a page of a list, as only the API itself sends it."""
    content = json.loads(body)
    if not isinstance(content, dict) or "results" not in content:
        message = "not a page of a list"
        raise ValueError(message)
    return True


def _check_key(key: ApiKey, address: str) -> str:
    """Ask the API whether it accepts a key, and return what the check showed.

    Raises
    ------
    AuthenticationError
        The API does not accept it.
    """
    # Slow to import, and needed for this request only.
    from sectorsdf.http.credits import CreditBudget, Ledger  # noqa: PLC0415
    from sectorsdf.http.limiter import RateLimiter  # noqa: PLC0415
    from sectorsdf.http.policy import RetryPolicy  # noqa: PLC0415
    from sectorsdf.http.transport import Transport  # noqa: PLC0415

    transport = Transport(
        key,
        address,
        retry=RetryPolicy(tries=1),
        limiter=RateLimiter(max_wait=5.0),
        ledger=Ledger(settings.cache_dir() / "credits.jsonl"),
    )
    try:
        transport.get(
            _PATH,
            _INVALID_QUERY,
            parse=_parse_list,
            budgets=(CreditBudget(1),),
            what="The check of the key",
        )
    except APIError as error:
        if isinstance(error, BadRequestError) and error.status == HTTPStatus.BAD_REQUEST:
            return "The API accepts the key; the check was free."
        if not isinstance(error, AuthenticationError):
            advice = "The key cannot be checked now; --no-check stores it without a check."
            error.args = (f"{error} {advice}",)
        raise
    finally:
        transport.close()
    return "The API accepts the key; the check has cost one credit."


@click.command(cls=Command)
def logout_command() -> None:
    """Remove the stored key from this machine.

    This is the key for the API's address (SECTORSDF_BASE_URL or the provider's own). The key itself
    stays valid: replace a key that others may have read in your Sectors account.
    """
    address = settings.base_url(None)
    result = "The key was removed" if forget_key(address) else "No key was stored"
    click.echo(f"{result} for {address}.", err=True)


@click.command(cls=Command, params=[click.Argument(["shell"], type=click.Choice(SHELLS))])
def completion_command(shell: Any) -> None:  # noqa: ANN401 - a choice
    """Print the script that completes words in a shell.

    It completes commands, options and the values of filters. A new shell uses it after one of
    these steps.

    \b
    bash: add this line to ~/.bashrc
        eval "$(sectorsdf completion bash)"

    \b
    zsh: add this line to ~/.zshrc, below compinit
        eval "$(sectorsdf completion zsh)"

    \b
    fish: run this once
        sectorsdf completion fish > ~/.config/fish/completions/sectorsdf.fish
    """  # noqa: D301 - click reads the backspace character
    click.echo(script(shell, click.get_current_context().find_root().command))
