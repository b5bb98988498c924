"""Mistakes people make in the files of `support.ledger`, each by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CONFIG, RULES = "config.toml", "rules.toml"


@dataclass(frozen=True, slots=True)
class Edit:
    """One mistake: in `file`, `old` becomes `new`; without `old`, `new` is put at the end."""

    file: str
    old: str
    new: str

    def __call__(self, folder: Path) -> None:
        path = folder / self.file
        text = path.read_text()
        assert self.old in text
        path.write_text(text.replace(self.old, self.new, 1) if self.old else text + self.new)


def config(old: str, new: str) -> Edit:
    """A mistake in the config."""
    return Edit(CONFIG, old, new)


def rules(old: str, new: str) -> Edit:
    """A mistake in the rule file."""
    return Edit(RULES, old, new)


def receiver(url: str) -> Edit:
    """A receiver that cannot be told anything."""
    return config("", f'[[receivers]]\nname = "odd"\nurl = "{url}"\n')


def stonex(accounts: str) -> Edit:
    """A venue that lists no accounts itself."""
    login = 'base_url = "https://h"\nclient_id = "i"\nclient_secret = "s"\n'
    return config("", f'[[venues]]\nname = "clearing"\nkind = "stonex"\n{login}{accounts}')


ROUTE = '[[routes]]\nname = "all"\nreceivers = ["desk"]\n'
NIGHT = '[[receivers]]\nname = "n"\nurl = "json://127.0.0.1:9/"\nquiet = {{ hours = "{hours}", zone = "{zone}" }}\n'

WRONG: dict[str, Edit] = {
    "config: malformed": config("[web]", "[web"),
    "config: a key twice": config('listen = ""', 'listen = ""\nlisten = ""'),
    "config: unknown table": config("[web]", "[wev]"),
    "config: unknown key": config("every =", "evry ="),
    "config: a number for a duration": config('every = "10s"', "every = 10"),
    "config: no duration": config('every = "10s"', 'every = "10 seconds"'),
    "config: too often": config('every = "10s"', 'every = "0s"'),
    "config: unknown kind of venue": config('kind = "architect"', 'kind = "architekt"'),
    "config: a key of another venue": config('kind = "architect"', 'kind = "architect"\npassword = "x"'),
    "config: a login that cannot be one": config("A" * 24, "A" * 23),
    "config: two venues of one name": config('name = "fx"', 'name = "futures"'),
    "config: two receivers of one name": config('name = "phone"', 'name = "desk"'),
    "config: a word for a flag": config('name = "fx"', 'name = "fx"\nconfirm = "yes"'),
    "config: a text for a list": config('name = "fx"', 'name = "fx"\naccounts = "ACC-*"'),
    "config: an empty glob": config('name = "fx"', 'name = "fx"\naccounts = [""]'),
    "config: a list for a text": config('kind = "architect"', 'kind = ["architect"]'),
    "config: a huge number": config('name = "fx"', f'name = "fx"\nconcurrency = {"9" * 40}'),
    "config: a table twice": config("[web]", "[web]\n[web]"),
    "config: impossible hours": config("", NIGHT.format(hours="25:00-26:00", zone="Europe/London")),
    "config: an unknown zone": config("", NIGHT.format(hours="22:00-07:00", zone="Londn")),
    "config: a fallback to itself": config('name = "desk"', 'name = "desk"\nfallback = { receivers = ["desk"] }'),
    "config: a fallback that is a name": config('name = "desk"', 'name = "desk"\nfallback = "phone"'),
    "config: a ladder that calls nobody new": config(
        "", f'{ROUTE}escalate = [{{ after = "5m", receivers = ["desk"] }}]\n'
    ),
    "config: a ladder with a misspelt key": config("", f'{ROUTE}escalate = [{{ afer = "5m", receivers = ["dsk"] }}]\n'),
    "config: a route for no rule": config("", f'{ROUTE}rules = ["margn-*"]\n'),
    "config: a window without times": config("", '[[maintenance]]\nname = "move"\nzone = "UTC"\n'),
    "config: accounts not named": stonex(""),
    "config: accounts by pattern": stonex('accounts = ["12*"]\n'),
    "config: no severity": config('name = "desk"', 'name = "desk"\nmin_severity = "high"'),
    "config: no address": config('listen = ""', 'listen = "8470"'),
    "config: a heartbeat without a host": config("[web]", '[heartbeat]\nurl = "https:///s3cr3t"\n[web]'),
    "config: a heartbeat to no port": config("[web]", '[heartbeat]\nurl = "http://h:99999/s3cr3t"\n[web]'),
    "config: a heartbeat by mail": config("[web]", '[heartbeat]\nurl = "mailto://s3cr3t@h"\n[web]'),
    "config: unknown kind of database": config("sqlite:///", "mysql://root:hunter2@h/"),
    "config: a database in memory": Edit(CONFIG, 'url = "sqlite:///FOLDER/marginwatch.db"', 'url = "sqlite://"'),
    "config: malformed reference": config('email = "a@example.com"', 'email = "${vault:mail}"'),
    "config: missing variable": config("A" * 24, "${env:NOT_SET}"),
    "config: missing file": config("A" * 24, "${file:/nonexistent/key}"),
    "config: missing credential": config("A" * 24, "${credential:architect-key}"),
    "receiver: unknown service": receiver("slak://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7/#risk"),
    "receiver: no service": receiver("risk@example.com"),
    "receiver: web address": receiver("https://hooks.example.com/s3cr3t"),
    "receiver: not complete": receiver("slack://T1JJ3T3L2/"),
    "receiver: several recipients": receiver("mailto://u:pw@example.com?to=a@example.com,b@example.com"),
    "receiver: several URLs": receiver("json://a json://b"),
    "rules: malformed": rules('id = "thin"', "id = thin"),
    "rules: unknown key": rules("title =", "titel ="),
    "rules: unknown field": rules('value = "margin_usage"', 'value = "margin_usge"'),
    "rules: a ratio against a plain number": rules('"> 80%"', '"> 80"'),
    "rules: money against a ratio": rules('"< 1_000"', '"< 10%"'),
    "rules: a condition with the wrong unit": rules('on = "changed(permissions)"', 'when = "margin_usage > 80"\n#'),
    "rules: a duplicate id": rules('id = "thin"', 'id = "margin-usage"'),
    "rules: levels the wrong way round": rules('"> 90%"', '"> 70%"'),
    "rules: an event that is none": rules('"changed(permissions)"', '"in_margin_call"'),
    "rules: a bad summary": rules('title = "Little left"', 'title = "Little left"\nsummary = "{margin_exces}"'),
    "rules: a venue that is not there": rules('id = "thin"', 'id = "thin"\nvenues = ["futurs"]'),
    "rules: a file that is not there": config('"rules.toml"', '"rulez.toml"'),
    "rules: a folder": config('"rules.toml"', '"."'),
    "rules: nothing a pattern fits": config('"rules.toml"', '"*.yaml"'),
    "rules: an unknown pack": config('"rules.toml"', '"builtin:margins"'),
    "rules: a pack of another prefix": config('"rules.toml"', '"bultin:calls"'),
    "rules: not a rule file": config('"rules.toml"', '"rules.json"'),
}

YAML = {
    "malformed": "- id: a\n  when: [in_margin_call\n",
    "a tab": "rule:\n\t- id: a\n",
    "unknown key": "rule:\n  - id: a\n    wen: in_margin_call\n    severity: critical\n",
    "wrong unit": "rule:\n  - id: a\n    when: margin_usage > 80\n    severity: critical\n",
    "a duplicate id": (
        "rule:\n  - {id: a, when: in_margin_call, severity: info}\n  - {id: a, when: in_stop_out, severity: info}\n"
    ),
    "a key twice": "rule:\n  - id: a\n    id: b\n    when: in_margin_call\n    severity: info\n",
    "an object of another language": "rule: !!python/object/apply:os.system ['true']\n",
}
"""Rule files in YAML, each with one mistake."""
