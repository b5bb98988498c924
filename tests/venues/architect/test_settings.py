"""The config keys of an Architect venue: what is accepted, and that nothing secret is repeated."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from marginwatch.simulator.architect import API_KEY, API_SECRET
from marginwatch.venues.architect.settings import ArchitectSettings

GOOD = {"endpoint": "https://app.architect.co", "api_key": API_KEY, "api_secret": API_SECRET}


def test_the_key_and_the_secret_stay_hidden() -> None:
    """Printing the settings shows neither."""
    settings = ArchitectSettings.model_validate(GOOD)
    assert API_KEY not in repr(settings)
    assert API_SECRET not in repr(settings)
    assert settings.api_key.get_secret_value() == API_KEY


@pytest.mark.parametrize(
    "wrong",
    [
        {"api_key": "hunter2"},
        {"api_key": "A" * 23 + "-"},
        {"api_key": "A" * 24 + "\n"},
        {"api_secret": "hunter2"},
        {"api_secret": "A" * 43 + "!"},
        {"endpoint": "https://me:hunter2@app.architect.co"},
        {"endpoint": "https://app.architect.co:8081", "paper": True},
        {"currency": " "},
        {"sandbox": True},
    ],
)
def test_a_wrong_value_is_refused_without_being_repeated(wrong: dict[str, object]) -> None:
    """The sentence says what the value should look like, never what it was."""
    with pytest.raises(ValidationError) as refused:
        ArchitectSettings.model_validate(GOOD | wrong)
    said = " ".join(error["msg"] for error in refused.value.errors()) + str(refused.value)
    assert "hunter2" not in said
    for value in wrong.values():
        assert not (isinstance(value, str) and value.strip() and value in said)


@pytest.mark.parametrize("left_out", ["api_key", "api_secret"])
def test_the_login_is_required(left_out: str) -> None:
    """Neither half of the login has a default."""
    with pytest.raises(ValidationError):
        ArchitectSettings.model_validate({name: value for name, value in GOOD.items() if name != left_out})
