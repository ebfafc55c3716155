"""The local mailbox of a trial set-up: receives over real SMTP, keeps files, shows what it got."""
