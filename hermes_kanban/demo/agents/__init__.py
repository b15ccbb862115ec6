"""The sample plan's agents: each a program that reads its task on standard input."""
