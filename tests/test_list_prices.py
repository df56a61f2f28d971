"""List prices: read without the package that ships them, and the same as its own."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from genai_prices import data_snapshot, types
from hypothesis import given
from hypothesis import strategies as st

from spanbridge import list_prices
from spanbridge.cost import PriceTable

SOURCE = list_prices._data_file().read_text(encoding="utf-8")
OURS = list_prices.read_providers(SOURCE)
THEIRS = data_snapshot.get_snapshot().providers
FIELDS = {
    list_prices.Provider: ("id", "model_match", "provider_match", "fallback_model_providers", "models"),
    list_prices.ModelInfo: ("id", "match", "prices", "name", "context_window"),
}


def plain(value, like=None):
    """Fields and items all the way down, with the names of their types; the package's as ours has them."""
    kind = type(value).__name__
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if kind in {"ModelPrice", "SimpleNamespace"}:
        return {key: plain(price) for key, price in vars(value).items() if price is not None}
    ours = getattr(list_prices, kind, None)
    if ours is None:
        return value
    fields = FIELDS.get(ours) or ours._fields
    return kind, {field: plain(getattr(value, field) or None) for field in fields}


def test_all_is_there():
    """Providers, models, prices and what names must be like are the package's, in its order."""
    ours, theirs = [plain(provider) for provider in OURS], [plain(provider) for provider in THEIRS]

    assert len(ours) > 40
    assert sum(len(provider.models) for provider in OURS) > 1_500
    assert ours == theirs


NAMES = sorted({model.id for provider in THEIRS for model in provider.models})
DAY = timedelta(days=1)


def test_every_model_is_found_as_the_package_finds_it():
    """By its id in capitals, at its provider."""
    for ours, theirs in zip(OURS, THEIRS, strict=True):
        for model in theirs.models:
            found = ours.find_model(model.id.upper(), all_providers=OURS)
            expected = theirs.find_model(model.id.upper(), all_providers=THEIRS)
            assert (found and found.id) == (expected and expected.id), (theirs.id, model.id)


@given(
    place=st.integers(0, len(THEIRS) - 1),
    name=st.builds(str.__add__, st.sampled_from(NAMES), st.sampled_from(["", "-20251211", "-20250231", "-2025-12-11"]))
    | st.text(max_size=20),
    days=st.floats(0, 1500),
)
def test_any_name_at_any_time(place, name, days):
    """Any provider answers to any name as in the package, with the same prices at any time."""
    at = datetime(2023, 1, 1, tzinfo=timezone.utc) + days * DAY

    found = OURS[place].find_model(name, all_providers=OURS)
    expected = THEIRS[place].find_model(name, all_providers=THEIRS)

    assert (found and found.id) == (expected and expected.id)
    if found and found.prices:
        assert plain(found.get_prices(at)) == plain(expected.get_prices(at))


def test_times_of_the_day():
    """Prices by the hour hold when the package's do, also beyond midnight."""
    midnight = datetime(2026, 11, 22, tzinfo=timezone.utc)
    for start, end in ((0.5, 16.5), (16.5, 0.5), (3, 3)):
        times = [(midnight + timedelta(hours=hour)).timetz() for hour in (start, end)]
        for quarter in range(96):
            at = midnight + timedelta(minutes=15 * quarter)
            assert list_prices.TimeOfDateConstraint(*times).active(at) == types.TimeOfDateConstraint(*times).active(at)


def test_the_package_is_not_imported():
    """A call is priced without what the package's import brings."""
    program = (
        "import sys, spanbridge as sb\n"
        "memory = sb.InMemoryExporter()\n"
        "sb.configure(store=False, exporters=[memory])\n"
        "with sb.model_generation(model='gpt-4o-mini', provider='openai') as g: g.set(usage=sb.Usage(812, 96))\n"
        "assert sb.flush(60)\n"
        "print(memory.spans[0].attributes['cost_context']['estimated_cost'], {'genai_prices', 'pydantic'} & {*sys.modules})\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)

    assert done.stdout.strip() == "0.0001794 set()"


CALL = {
    "model": "gpt-4o",
    "provider": "openai",
    "usage": {"input_tokens": 1_000_000},
    "started_at": 1_780_000_000 * 10**9,
}
OTHER_SHAPES = {
    "empty": ("", SOURCE),
    "indented": (SOURCE.replace("\n    ", "\n  "), SOURCE),
    "a new field of providers": (SOURCE.replace("        id=", "        region='eu',\n        id="), SOURCE),
    "a field behind the models": (
        SOURCE.replace("\n        ],\n    ),", "\n        ],\n        region='eu',\n    ),"),
        SOURCE,
    ),
    "a new field of models": (
        SOURCE.replace("                id=", "                region='eu',\n                id="),
        SOURCE,
    ),
    "a new clause": (SOURCE.replace("ClauseEquals(equals", "ClauseIs(text"), SOURCE),
}


@pytest.mark.parametrize("shape", OTHER_SHAPES)
def test_another_shape_is_left_to_the_package(shape, tmp_path, monkeypatch):
    """Where the file is not as expected the package reads its own data: prices are slower then, never wrong."""
    text, before = OTHER_SHAPES[shape]
    assert text != before
    file = tmp_path / "data.py"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setattr(list_prices, "_data_file", lambda: file)

    assert PriceTable().cost(**CALL)["estimated_cost"] == 2.5


def test_no_file_is_left_to_the_package(monkeypatch, tmp_path):
    """As in a bundle that has no sources."""
    monkeypatch.setattr(list_prices, "_data_file", lambda: tmp_path / "data.py")

    assert PriceTable().cost(**CALL)["estimated_cost"] == 2.5


def test_prices_that_the_application_has_updated_come_first():
    """What the application gave to the package is what its calls cost."""
    model = types.ModelInfo(
        id="gpt-4o", match=types.ClauseEquals("gpt-4o"), prices=types.ModelPrice(input_mtok=Decimal(7))
    )
    provider = types.Provider(id="openai", name="OpenAI", api_pattern="", models=[model])
    data_snapshot.set_custom_snapshot(data_snapshot.DataSnapshot(providers=[provider], from_auto_update=True))
    try:
        cost = PriceTable().cost(**CALL)
    finally:
        data_snapshot.set_custom_snapshot(None)

    assert cost["estimated_cost"] == 7
