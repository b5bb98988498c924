"""The last step before settings are used: what their references name is read, and every secret is made known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from marginwatch.config.faults import faults
from marginwatch.config.secrets import BadReferenceError, MissingSecretError
from marginwatch.config.settings import VenueSettings
from marginwatch.errors import Problem

if TYPE_CHECKING:
    from marginwatch.config.load import Loaded
    from marginwatch.config.places import Loc, Places
    from marginwatch.config.secrets import Secrets


Model = TypeVar("Model", bound=BaseModel)


def resolve_secrets(loaded: Loaded, secrets: Secrets) -> Loaded:
    """The same settings with secrets in place of their references, checked again now that their values are known.

    From here on the log and every other text that goes through the redactor masks them. Settings that could not be
    loaded are returned as they are.
    """
    if loaded.settings is None or loaded.places is None:
        return loaded
    walk = _Walk(secrets, loaded.places)
    settings = walk.model(loaded.settings, ())
    if walk.problems:
        return replace(loaded, settings=None, problems=tuple(walk.problems))
    return replace(loaded, settings=settings)


class _Walk:
    """One walk over all settings, collecting problems."""

    def __init__(self, secrets: Secrets, places: Places) -> None:
        self.problems: list[Problem] = []
        self._secrets = secrets
        self._places = places

    def model(self, model: Model, loc: Loc) -> Model:
        """A copy with every reference below it resolved; the same one when there is none."""
        before = {name: getattr(model, name) for name in model.model_fields_set}
        after = {name: self._value(value, _below(model, loc, name)) for name, value in before.items()}
        if all(after[name] is before[name] for name in before):
            return model
        try:
            return type(model).model_validate(after)
        except ValidationError as error:
            self.problems += [problem for _, problem in faults(error, type(model), self._places, base=loc)]
            return model

    def _value(self, value: object, loc: Loc) -> object:
        if isinstance(value, BaseModel):
            return self.model(value, loc)
        if isinstance(value, tuple | list):
            items = [self._value(item, (*loc, number)) for number, item in enumerate(value)]
            same = all(new is old for new, old in zip(items, value, strict=True))
            return value if same else type(value)(items)
        if isinstance(value, SecretStr):
            secret = self._text(value.get_secret_value(), loc)
            return value if secret == value else secret
        if isinstance(value, str) and "${" in value:
            return self._text(value, loc).get_secret_value()
        return value

    def _text(self, text: str, loc: Loc) -> SecretStr:
        try:
            return self._secrets.resolve_secret(text)
        except BadReferenceError as error:
            self.problems.append(Problem(self._places.value(loc), str(error)))
        except MissingSecretError as error:
            place = self._places.within(loc, max(text.find(error.reference), 0), len(error.reference))
            self.problems.append(Problem(place, f"{error.reference}: {error.why}", error.hint))
        return SecretStr(text)


def _below(model: BaseModel, loc: Loc, name: str) -> Loc:
    """Where the field was written: a venue's own options stand beside its shared keys."""
    return loc if isinstance(model, VenueSettings) and name == "options" else (*loc, name)
