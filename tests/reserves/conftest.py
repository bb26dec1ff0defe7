"""Real records of mine sites."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def real_sites(real_data):
    with (real_data / "mining_sites.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
