"""What an edit of rules would change, before it is in force: rule by rule, and alert by alert."""

from marginwatch.app.plan.compare import Change, KeyChange, RuleChange
from marginwatch.app.plan.forecast import Outcome, Outlook
from marginwatch.app.plan.plan import Plan, edited, plan

__all__ = ["Change", "KeyChange", "Outcome", "Outlook", "Plan", "RuleChange", "edited", "plan"]
