"""The life of one ScheduleRun: its state, what follows from it, and its status. Knows nothing of `schedule`."""
