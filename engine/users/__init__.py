"""Who may sign in, what they may do, and whose accounts they see."""
