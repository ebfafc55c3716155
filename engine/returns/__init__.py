"""What comes back for emails that were sent: bounces, complaints, replies, from a mailbox or a provider."""
