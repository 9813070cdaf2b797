"""The bodies of the objects that a schedule makes: CronJob, Job, pod, ScheduleRun."""
