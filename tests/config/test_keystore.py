"""The key saved by a login: where it is, who can read it, and that it is shown nowhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

import sectorsdf
from sectorsdf.cli.app import main
from sectorsdf.config.api_key import KEY_VARIABLE, ApiKey
from sectorsdf.config.keystore import (
    CONFIG_DIR_VARIABLE,
    forget_key,
    login_file,
    save_key,
    saved_key,
)
from sectorsdf.config.settings import BASE_URL, BASE_URL_VARIABLE
from sectorsdf.errors import ConfigurationError, MissingKeyError

KEY = "fedcba9876543210" * 4
HERE = "http://127.0.0.1:9"

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")


@pytest.fixture(autouse=True)
def _folder(monkeypatch, tmp_path):
    monkeypatch.setenv(CONFIG_DIR_VARIABLE, str(tmp_path / "config"))


@pytest.fixture
def keyring(monkeypatch):
    """Replace the system's keyring by one of this test."""
    library = pytest.importorskip("keyring")
    backend = pytest.importorskip("keyring.backend")

    class MemoryKeyring(backend.KeyringBackend):
        priority = 5
        locked = False

        def __init__(self):
            super().__init__()
            self.saved = {}

        def get_password(self, service, username):
            if self.locked:
                raise library.errors.KeyringLocked(f"{KEY} is locked")
            return self.saved.get((service, username))

        def set_password(self, service, username, password):
            self.saved[service, username] = password

        def delete_password(self, service, username):
            del self.saved[service, username]

    before = library.get_keyring()
    memory = MemoryKeyring()
    library.set_keyring(memory)
    yield memory
    library.set_keyring(before)


@pytest.fixture
def no_keyring(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the command line in this process, with a text as its standard input."""

    def start(*words, stdin=""):
        reader, writer = os.pipe()
        os.write(writer, stdin.encode())
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as file, monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", file)
            with pytest.raises(SystemExit) as ended:
                main(words)
        out, err = capsys.readouterr()
        assert KEY not in out + err
        assert "Traceback" not in err
        return ended.value.code, out, err

    return start


@posix
def test_the_file_is_for_its_owner_alone(no_keyring):
    umask = os.umask(0)
    try:
        where = save_key(KEY, HERE)
    finally:
        os.umask(umask)
    assert where == str(login_file())
    assert login_file().stat().st_mode & 0o777 == 0o600
    assert login_file().parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in login_file().parent.iterdir()] == ["login.json"]


def test_a_key_is_used_for_its_own_address_only(no_keyring, monkeypatch):
    save_key(KEY, HERE)
    assert saved_key(HERE) == KEY
    assert saved_key(BASE_URL) is None
    with pytest.raises(MissingKeyError, match="sectorsdf login"):
        ApiKey.resolve(None)
    assert ApiKey.resolve(None, HERE).secret() == KEY
    monkeypatch.setenv(BASE_URL_VARIABLE, HERE)
    assert ApiKey.resolve(None).secret() == KEY


def test_argument_then_environment_then_login(no_keyring, monkeypatch):
    save_key(KEY, BASE_URL)
    assert ApiKey.resolve(None).secret() == KEY
    assert ApiKey.resolve_optional().secret() == KEY
    monkeypatch.setenv(KEY_VARIABLE, "of-the-environment")
    assert ApiKey.resolve(None).secret() == "of-the-environment"
    assert ApiKey.resolve("of-the-argument").secret() == "of-the-argument"
    monkeypatch.setenv(KEY_VARIABLE, "  ")
    assert ApiKey.resolve(None).secret() == KEY
    with pytest.raises(MissingKeyError):
        ApiKey.resolve("")


def test_several_addresses_are_saved_together(no_keyring):
    save_key(KEY, HERE)
    save_key("another", BASE_URL)
    assert forget_key(HERE)
    assert (saved_key(HERE), saved_key(BASE_URL)) == (None, "another")
    assert forget_key(BASE_URL)
    assert not login_file().exists()
    assert not forget_key(BASE_URL)


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_read_is_refused(mode, no_keyring):
    save_key(KEY, BASE_URL)
    login_file().chmod(mode)
    for take in (
        lambda: saved_key(BASE_URL),
        lambda: ApiKey.resolve(None),
        ApiKey.resolve_optional,
    ):
        with pytest.raises(ConfigurationError, match=f"mode {mode:04o}.*chmod 600") as caught:
            take()
        assert KEY not in "".join(traceback.format_exception(caught.value))
    assert forget_key(BASE_URL), "it can still be removed"


@pytest.mark.parametrize(
    "content", ["", "no JSON", "[]", "{}", '{"logins": 7}', '{"logins": {"a": {}}}']
)
def test_a_damaged_file_says_so(content):
    login_file().parent.mkdir()
    login_file().touch(mode=0o600)
    login_file().write_text(content)
    with pytest.raises(ConfigurationError, match=r"cannot be read.*sectorsdf login"):
        saved_key(BASE_URL)


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_says_so(no_keyring):
    login_file().parent.mkdir(mode=0o500)
    with pytest.raises(ConfigurationError, match=f"cannot be written.*{CONFIG_DIR_VARIABLE}"):
        save_key(KEY, BASE_URL)


def test_a_folder_that_is_a_file_says_so(no_keyring):
    login_file().parent.touch()
    with pytest.raises(ConfigurationError, match=f"cannot be written.*{CONFIG_DIR_VARIABLE}"):
        save_key(KEY, BASE_URL)


def test_the_keyring_is_used_if_there_is_one(keyring):
    assert save_key(KEY, HERE) == "the system's keyring"
    assert keyring.saved == {("sectorsdf", HERE): KEY}
    assert KEY not in login_file().read_text()
    assert saved_key(HERE) == KEY
    assert "API key" in repr(saved_key(HERE))
    assert forget_key(HERE)
    assert keyring.saved == {}
    assert saved_key(HERE) is None


def test_a_key_moves_from_the_keyring_to_the_file(keyring):
    save_key(KEY, HERE)
    save_key(KEY, HERE, store="file")
    assert keyring.saved == {}
    assert saved_key(HERE) == KEY


@pytest.mark.parametrize("priority", [0.5, 0, -1])
def test_a_keyring_that_is_not_recommended_is_not_used(keyring, priority):
    type(keyring).priority = priority
    assert save_key(KEY, HERE) == str(login_file())
    assert keyring.saved == {}
    with pytest.raises(ConfigurationError, match="no system keyring"):
        save_key(KEY, HERE, store="keyring")


def test_a_locked_or_emptied_keyring_says_so(keyring):
    save_key(KEY, HERE)
    keyring.locked = True
    with pytest.raises(ConfigurationError, match="Unlock") as caught:
        saved_key(HERE)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    keyring.locked = False
    keyring.saved.clear()
    with pytest.raises(ConfigurationError, match="no longer contains"):
        saved_key(HERE)


def test_without_the_library_there_is_the_file(no_keyring):
    assert save_key(KEY, HERE) == str(login_file())
    with pytest.raises(ConfigurationError, match=r"sectorsdf\[keyring\]"):
        save_key(KEY, HERE, store="keyring")


def test_login_checks_the_key_for_free_and_it_is_used(serve, run, no_keyring, monkeypatch):
    client = serve()
    monkeypatch.setenv(BASE_URL_VARIABLE, client.base_url)
    code, out, err = run("login", stdin=f"{client.sandbox.key}\n")
    assert (code, out) == (0, "")
    assert "accepts the key; the check was free" in err
    assert str(login_file()) in err
    assert client.sandbox.key not in err
    assert [(r.status, r.billed) for r in client.sandbox.requests] == [(400, False)]
    code, out, _ = run("auctions", "--columns", "wiup_code")
    assert (code, len(out.splitlines())) == (0, 15)
    assert len(sectorsdf.get_mining_license_auctions()) == 14
    assert run("logout")[0] == 0
    assert run("auctions", "--refresh")[0] == 3
    assert "No key was stored" in run("logout")[2]


@pytest.mark.parametrize("key", [KEY, "a-token"])
def test_a_key_that_is_refused_is_not_saved(key, serve, run, no_keyring, monkeypatch):
    client = serve()
    monkeypatch.setenv(BASE_URL_VARIABLE, client.base_url)
    code, _, err = run("login", stdin=key)
    assert code == 3
    assert "does not accept this key" in err
    assert not login_file().exists()
    assert client.sandbox.billed == 0


@pytest.mark.parametrize(("text", "code"), [("", 3), ("\n", 3), ("two words", 2), ("k\u00e9y", 2)])
def test_an_invalid_key_is_refused_without_a_request(text, code, run, no_keyring):
    assert run("login", stdin=text)[0] == code
    assert not login_file().exists()


def test_a_server_that_answers_the_check_costs_one_credit_and_says_so(
    serve, run, no_keyring, monkeypatch
):
    from sectorsdf.cli import account

    client = serve()
    monkeypatch.setattr(account, "_INVALID_QUERY", {"limit": "1"})
    monkeypatch.setenv(BASE_URL_VARIABLE, client.base_url)
    code, _, err = run("login", stdin=client.sandbox.key)
    assert (code, client.sandbox.billed) == (0, 1)
    assert "has cost one credit" in err
    assert sectorsdf.credits("entry")["credits"].sum() == 1


def test_a_key_can_be_saved_unchecked_and_read_from_a_file(run, no_keyring, tmp_path, monkeypatch):
    monkeypatch.setenv(BASE_URL_VARIABLE, HERE)
    file = tmp_path / "key.txt"
    file.write_text(f"Bearer {KEY}\n")
    assert run("login", "--no-check", "--key-file", str(file))[0] == 0
    assert saved_key(HERE) == KEY
    assert json.loads(login_file().read_text()) == {"logins": {HERE: {"key": KEY}}}
    assert run("login", "--no-check", "--key-file", str(tmp_path / "none"))[0] == 2


def test_a_key_is_no_argument(run):
    code, _, err = run("login", "a-key-that-everybody-sees")
    assert code == 2
    assert "unexpected" in err


def test_keyring_is_not_imported_without_a_login(tmp_path):
    text = (
        "import sys, sectorsdf\n"
        "try: sectorsdf.Client()\n"
        "except sectorsdf.MissingKeyError: print('keyring' in sys.modules)\n"
    )
    home = str(Path(sectorsdf.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", text],
        env={**os.environ, "PYTHONPATH": home},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "False"
