"""What helps an author of playbooks: previews, warnings, a first draft, and checks on every save."""
