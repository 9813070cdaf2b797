"""The runner of agents behind HTTP, as the program that a pod runs, against real servers and hand-written ones."""
