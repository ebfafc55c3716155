"""A book of customers that do not exist: the same for the same seed, believable enough to try things on."""
