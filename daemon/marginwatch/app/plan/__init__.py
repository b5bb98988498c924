"""What an edit of rules or routes would change, before it is in force: rule by rule, and alert by alert."""

from marginwatch.app.plan.compare import Change, KeyChange, RuleChange
from marginwatch.app.plan.forecast import Outcome, Outlook
from marginwatch.app.plan.hearing import Heard, Hearers, Hearing
from marginwatch.app.plan.plan import Plan, edited, plan

__all__ = [
    "Change",
    "Heard",
    "Hearers",
    "Hearing",
    "KeyChange",
    "Outcome",
    "Outlook",
    "Plan",
    "RuleChange",
    "edited",
    "plan",
]
