"""Messages: their words (`render`), and the receivers that take them (`receiver`)."""
