"""The schema's history. A release that changes a table adds a revision in `versions` and moves HEAD."""

HEAD = "0001"
"""The newest revision. Kept here so that a start at head needs no scan of the folder."""
