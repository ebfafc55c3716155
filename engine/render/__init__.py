"""Words for people: sandboxed templates and whole emails."""
