"""The pure heart: observations, rules, alerts and routing. No clock, file, log, network or session."""
