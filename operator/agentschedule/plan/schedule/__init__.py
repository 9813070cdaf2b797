"""What to do about one AgentSchedule: its CronJob, records, ledger and status. Knows nothing of `run`."""
