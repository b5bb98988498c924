"""marginwatch: watches brokerage accounts and makes sure a person hears about margin trouble in time."""
