"""Tests of rules: files beside the rules that say what an account answers, and what somebody must hear of it."""
