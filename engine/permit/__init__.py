"""What may be sent: consent, suppression, and the link that ends it."""
