"""The Kopf edge: watches, queues, the clock. Parses at the door, calls ``plan``, has ``cluster`` do it."""
