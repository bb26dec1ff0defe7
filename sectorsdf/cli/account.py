"""The commands that set this machine up: the key, and the shell."""

from __future__ import annotations

import sys
from typing import IO, Any, Literal, cast

import click

from sectorsdf.cli.base import Command, Option
from sectorsdf.cli.completion import SHELLS, script
from sectorsdf.config import settings
from sectorsdf.config.api_key import ApiKey
from sectorsdf.config.keystore import forget_key, hidden, save_key
from sectorsdf.errors import BadRequestError, QuotaExhaustedError

__all__ = ["completion_command", "login_command", "logout_command"]

# Wrong in two ways, so that a server which looks at any of its parameters refuses it with 400,
# which is free, and which it only does once it has accepted the key.
_PATH = "/v2/mining/sites/"
_WRONG = {"year": "none", "order_by": "none", "limit": "1"}


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
            help="Where to keep it: the system's keyring (extra keyring), or a file that only you "
            "can read; auto takes the keyring where there is one.",
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
    """Check an API key and keep it on this machine.

    The key is asked for and not shown, or read from standard input; it is no argument, because
    other users can see a process's arguments. It is kept for the API's address (SECTORSDF_BASE_URL
    or the provider's own) and used where SECTORS_API_KEY is not set.

    The check is a request with a parameter that no server accepts: a refusal of the parameter is
    free and shows that the key is accepted. A server that answers it all the same takes one
    credit, never more, and this says so.
    """
    address = settings.base_url(None)
    key = ApiKey(str.__str__(_asked(key_file)))
    if check:
        click.echo(_checked(key, address), err=True)
    where = save_key(
        cast("str", hidden(key.secret())),
        address,
        store=cast('Literal["auto", "keyring", "file"]', store),
    )
    click.echo(f"Kept in {where} for {address}.", err=True)


def _asked(key_file: IO[str] | None) -> str:
    """Return the key that somebody typed or piped in."""
    if key_file is not None:
        text = hidden(key_file.read())
    elif sys.stdin.isatty():
        text = hidden(click.prompt("API key", hide_input=True, err=True))
    else:
        text = hidden(sys.stdin.read())
    return cast("str", text)


def _checked(key: ApiKey, address: str) -> str:
    """Ask the API whether it accepts a key, and say what it said.

    Raises
    ------
    AuthenticationError
        It does not.
    """
    # Heavy, and for this one request only.
    from sectorsdf.http.credits import CreditBudget, Ledger  # noqa: PLC0415
    from sectorsdf.http.limiter import RateLimiter  # noqa: PLC0415
    from sectorsdf.http.transport import RetryPolicy, Transport  # noqa: PLC0415

    transport = Transport(
        key,
        address,
        timeout=(5, 30),
        retry=RetryPolicy(tries=1),
        gate=RateLimiter(max_wait=5.0),
        ledger=Ledger(settings.cache_dir() / "credits.jsonl"),
    )
    try:
        transport.get(
            _PATH, _WRONG, parse=len, purse=(CreditBudget(1),), what="The check of the key"
        )
    except BadRequestError:
        return "The API accepts the key; the check was free."
    except QuotaExhaustedError as error:
        message = f"{error} The key cannot be checked now; --no-check keeps it all the same."
        error.args = (message,)
        raise
    finally:
        transport.close()
    return "The API accepts the key; the check has cost one credit."


@click.command(cls=Command)
def logout_command() -> None:
    """Forget the key that was kept.

    That of the API's address, which is SECTORSDF_BASE_URL or the provider's own. The key itself
    stays valid: a key that others may have read has to be replaced in your Sectors account.
    """
    address = settings.base_url(None)
    gone = forget_key(address)
    said = "The key is forgotten" if gone else "No key was kept"
    click.echo(f"{said} for {address}.", err=True)


@click.command(cls=Command, params=[click.Argument(["shell"], type=click.Choice(SHELLS))])
def completion_command(shell: Any) -> None:  # noqa: ANN401 - a choice
    r"""Print the script that completes words in a shell.

    \b
    bash, in ~/.bashrc:               eval "$(sectorsdf completion bash)"
    zsh, in ~/.zshrc after compinit:  eval "$(sectorsdf completion zsh)"
    fish, once:  sectorsdf completion fish > ~/.config/fish/completions/sectorsdf.fish
    """
    click.echo(script(shell))
