"""What the tests of the command line share."""

from __future__ import annotations

import pytest

from sectorsdf.cli.app import main


@pytest.fixture
def run(capsys):
    """Return a function that runs the command line in this process and checks its exit code."""

    def start(*words, code=0):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(words)
        out, err = capsys.readouterr()
        assert ended.value.code == code, err
        assert "Traceback" not in err or "--debug" in words
        return out, err

    return start


@pytest.fixture
def sandbox(serve, monkeypatch, tmp_path):
    """Start a sandbox, and set its address and key in the environment."""
    monkeypatch.setenv("SECTORSDF_CONFIG_DIR", str(tmp_path / "config"))
    server = serve().sandbox
    monkeypatch.setenv("SECTORSDF_BASE_URL", server.url)
    monkeypatch.setenv("SECTORS_API_KEY", server.key)
    return server
