"""The engine in memory: what ticks do over a database, done over dictionaries under a clock of one's own."""
