"""Health computed from what is known of an account, where no source gives it."""
