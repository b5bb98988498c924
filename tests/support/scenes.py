"""What rule files are held against: the three small venues, with and without what a config says besides."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from marginwatch.config.groups import GroupSketch
from marginwatch.config.rulecheck import Scene
from support.catalogues import CATALOGUES, VENUES

SCENE: Final = Scene(CATALOGUES, VENUES, lambda _rule, _kind: None)
"""No config is known, and every summary is good."""
CONFIGURED: Final = replace(SCENE, groups={"bravo": GroupSketch(())}, labels={"team": frozenset({"fx"})})
"""A config names one group and one label."""
