"""From the config file and the environment to settings, or to everything that is wrong with them at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from marginwatch.config.crosscheck import mismatches
from marginwatch.config.environment import overrides, unknown_variables
from marginwatch.config.faults import faults, harmless_keys, holds_secret
from marginwatch.config.keys import Outside
from marginwatch.config.location import find_config, state_folder
from marginwatch.config.notes import notes
from marginwatch.config.places import Places
from marginwatch.config.quoting import ConfigLines, only_keys, quoted
from marginwatch.config.secrets import BadReferenceError, MissingSecretError, Secrets, remember_secrets
from marginwatch.config.settings import Settings, VenueSettings
from marginwatch.config.sketch import full_paths, sketch_of
from marginwatch.config.sourcefile import read_source
from marginwatch.config.suggest import did_you_mean
from marginwatch.config.tomlfile import parse_toml
from marginwatch.config.unjudged import Unjudged, unjudged
from marginwatch.errors import MarginwatchError, Place, Problem
from marginwatch.ops.redact import REDACTOR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from marginwatch.config.document import Node
    from marginwatch.config.places import Loc
    from marginwatch.config.sketch import Sketch

    Kinds = Mapping[str, type[BaseModel]]

SHARED_KEYS = frozenset(VenueSettings.model_fields) - {"options"}
"""Keys every venue has; the rest of its table belongs to its kind."""

_NEEDED = {
    ("venues",): ("there is nothing to watch", "add a [[venues]] table"),
    ("receivers",): ("there is nobody to tell", "add a [[receivers]] table"),
    ("rules", "files"): ("there are no rules", 'write files = ["builtin:margin"] in a [rules] table'),
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a config file says. `settings` is None exactly when there are problems."""

    file: Path
    settings: Settings | None
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    """Nothing wrong, but worth a word."""
    places: Places | None = None
    """Where each setting was written; None when the file could not be read."""
    sketch: Sketch | None = None
    """Lets rules be checked although something else is wrong; None when what they need is wrong itself."""
    unjudged: Unjudged = field(default_factory=Unjudged)
    """Lets the rest be checked although something else is wrong."""
    quote: Callable[[Iterable[Problem]], tuple[Problem, ...]] = tuple
    """Puts their lines to problems found elsewhere, where they hold no secret."""


def load_settings(path: Path | None, environ: Mapping[str, str], kinds: Kinds, *, need_secrets: bool = True) -> Loaded:
    """Read the config file and the environment's overrides, resolve all references, and check everything.

    The redactor knows every secret of the settings from then on.

    Args:
        path: The file named on the command line; None looks where `find_config` says.
        environ: The environment, `os.environ` outside of tests.
        kinds: The kinds of venue there are, each with the model of its own keys. A model may set `accounts_required`.
        need_secrets: False makes a secret that is not there a note, for checking a config away from its service: its
            reference stays in the settings, and the options of a venue that lacks one stay unchecked.

    Raises:
        NoConfigError: No file is named and there is none where one is looked for.
    """
    file = find_config(path, environ)
    source = read_source(file)
    if isinstance(source, Problem):
        return Loaded(file, None, (source,))
    document = parse_toml(source)
    if document.root is None:
        harmless = harmless_keys((Settings, *kinds.values()))
        return Loaded(file, None, quoted(document.problems, source, only_keys(harmless)))
    reading = _Reading(file, document.root, environ, kinds, need_secrets=need_secrets)
    loaded = reading.result()
    quote = partial(quoted, source=source, show=ConfigLines(document.root, reading.is_hidden))
    return replace(loaded, problems=quote(loaded.problems), notes=quote(loaded.notes), quote=quote)


class _Unchecked(BaseModel, extra="allow"):
    """Stands for options that are wrong or lack a secret, so that the rest of their venue is checked all the same."""


class _Reading:
    """One pass over one config, collecting problems."""

    def __init__(self, file: Path, root: Node, environ: Mapping[str, str], kinds: Kinds, *, need_secrets: bool) -> None:
        changed = overrides(environ)
        self.file = file
        self.places = Places(root, changed)
        self.problems = unknown_variables(environ)
        self.notes: list[Problem] = []
        self._environ = environ
        self._kinds = kinds
        self._need_secrets = need_secrets
        self._secrets = Secrets(environ)
        self._data: dict[str, Any] = _merged(root.plain(), changed)
        self._hidden: set[Loc] = set()
        """Values that came from a reference: never shown."""
        self._spoilt: set[Loc] = set()
        """Values that could not be had from a reference: reported, so not to be judged any more."""
        self._wrong: set[Loc] = set()
        """What was reported."""
        self._literal: Loc | None = None
        """Where the first secret is that is written in the file itself."""

    def result(self) -> Loaded:
        """Everything, in the order of reading."""
        self._data = {key: self._filled(value, (key,)) for key, value in self._data.items()}
        self._default_store()
        self._refuse_nothing()
        self._check_options()
        for loc, what, hint in mismatches(self._tables, self.places):
            self._problem(self.places.value(loc), what, hint)
        settings = self._validated()
        if self.problems or settings is None:
            problems = tuple(sorted(self.problems, key=lambda problem: problem.place))
            return Loaded(self.file, None, problems, (), self.places, self._sketch(), self._unjudged())
        rules = settings.rules.model_copy(update={"files": full_paths(settings.rules, self._folder)})
        settings = settings.model_copy(update={"rules": rules})
        remember_secrets(settings)
        self.notes += notes(self.file, self.places, literal_secret=self._literal)
        return Loaded(self.file, settings, (), tuple(self.notes), self.places, self._sketch(), self._unjudged())

    def is_hidden(self, loc: Loc) -> bool:
        """Whether the value there must not be shown: it is a secret, or may be one, or is written as a reference."""
        return loc in self._hidden or self._is_secret(loc)

    def _problem(self, place: Place, what: str, hint: str = "") -> None:
        self.problems.append(Problem(place, what, hint))

    def _filled(self, value: object, loc: Loc) -> object:
        """The value with the references in every text replaced by what they name."""
        if isinstance(value, dict):
            return {key: self._filled(item, (*loc, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item, (*loc, number)) for number, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        if "${" in value:
            return self._resolved(value, loc)
        if self._literal is None and loc[0] in {"venues", "receivers", "web"} and self._is_secret(loc):
            self._literal = loc
        return value

    def _resolved(self, text: str, loc: Loc) -> str:
        self._hidden.add(loc)
        try:
            return Outside(self._secrets.resolve(text).get_secret_value())
        except BadReferenceError as error:
            self._problem(self.places.value(loc), str(error))
        except MissingSecretError:
            may_miss = not self._need_secrets and (loc[0] == "venues" or self._is_secret(loc))
            for missing in self._secrets.missing(text):
                place = self.places.within(loc, text.find(missing.reference), len(missing.reference))
                found = Problem(place, f"{missing.reference}: {missing.why}", missing.hint)
                (self.notes if may_miss else self.problems).append(found)
        self._spoilt.add(loc)
        return text

    def _is_secret(self, loc: Loc) -> bool:
        match loc:
            case ("venues", number, key, *_) if key not in SHARED_KEYS:
                table = self._tables("venues")[number] if isinstance(number, int) else {}
                model = self._kinds.get(str(table.get("kind")))
                return model is None or holds_secret(model, loc[2:])
            case _:
                return holds_secret(Settings, loc)

    def _default_store(self) -> None:
        store = self._data.setdefault("store", {})
        if isinstance(store, dict):
            store.setdefault("url", f"sqlite:///{state_folder(self._environ).absolute()}/marginwatch.db")

    def _refuse_nothing(self) -> None:
        for loc, (what, hint) in _NEEDED.items():
            value: object = self._data
            for step in loc:
                value = value.get(str(step)) if isinstance(value, dict) else value
            if value in (None, [], ""):
                self._spoilt |= {loc, loc[:1]}
                self._problem(self.places.value(loc), what, hint)

    def _tables(self, kind: str) -> list[dict[str, Any]]:
        tables = self._data.get(kind)
        return [table if isinstance(table, dict) else {} for table in tables] if isinstance(tables, list) else []

    def _check_options(self) -> None:
        """Split each venue's table into what all share and what its kind knows, and let the kind's model check that."""
        for number, table in enumerate(self._tables("venues")):
            options = {key: table.pop(key) for key in list(table) if key not in SHARED_KEYS}
            table["options"] = self._options(("venues", number), table, options)

    def _options(self, loc: Loc, table: dict[str, Any], options: dict[str, Any]) -> BaseModel:
        kind = table.get("kind")
        model = self._kinds.get(kind) if isinstance(kind, str) else None
        if model is None:
            if isinstance(kind, str):
                hint = did_you_mean(kind, self._kinds) or f"the kinds are {', '.join(sorted(self._kinds))}"
                self._problem(self.places.value((*loc, "kind")), f"there is no kind of venue `{kind}`", hint)
            return _Unchecked(**options)
        if getattr(model, "accounts_required", False) and not table.get("accounts"):
            hint = f"a venue of kind {kind} lists none by itself"
            self._problem(self.places.value(loc), f"{self.places.label(loc)} needs `accounts`", hint)
        try:
            return model.model_validate(options)
        except ValidationError as error:
            self._judge(error, model, loc)
        except MarginwatchError as error:
            self._problem(self.places.value(loc), REDACTOR.text(str(error)))
        return _Unchecked(**options)

    def _validated(self) -> Settings | None:
        try:
            return Settings.model_validate(self._data)
        except ValidationError as error:
            self._judge(error, Settings, ())
            return None

    def _judge(self, error: ValidationError, model: type[BaseModel], loc: Loc) -> None:
        found = faults(error, model, self.places, base=loc, also=SHARED_KEYS if loc else (), hidden=self._hidden)
        self.problems += [problem for at, problem in found if at not in self._spoilt]
        self._wrong |= {at for at, _ in found}

    def _unjudged(self) -> Unjudged:
        return unjudged(self._data, self._kinds, self._wrong | self._spoilt)

    def _sketch(self) -> Sketch | None:
        return sketch_of(self._tables, self._data.get("rules"), self._kinds, self.places, self._folder)

    @property
    def _folder(self) -> Path:
        return self.file.absolute().parent


def _merged(data: dict[str, Any], changed: Mapping[str, Mapping[str, object]]) -> dict[str, Any]:
    for table, keys in changed.items():
        if isinstance(data.setdefault(table, {}), dict):
            data[table] |= {key: Outside(text) for key, text in keys.items()}
    return data
