"""Delivery: claim what is ready, hand it to its connector, note the answer, try again or give up."""
