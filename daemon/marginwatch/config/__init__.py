"""What the operator wrote, checked: the config file, secrets, rule files and rule packs."""
