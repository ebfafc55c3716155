"""Tests of playbooks: a timeline of states, events and clock moves, and what must follow from it."""
