"""The CronJob dialect: parse a schedule, and say when kube-controller-manager runs it. The entrance of this room."""

from agentschedule.plan.cron.cel_rules import CEL_INVERTED, CEL_PATTERN, SCHEDULE_RULES
from agentschedule.plan.cron.every import every_seconds
from agentschedule.plan.cron.robfig_parser import MAX_SCHEDULE, ScheduleError
from agentschedule.plan.cron.schedule import Cron, parse, parse_live
from agentschedule.plan.cron.zone_check import check_zone, zone_warning

__all__ = [
    "CEL_INVERTED",
    "CEL_PATTERN",
    "MAX_SCHEDULE",
    "SCHEDULE_RULES",
    "Cron",
    "ScheduleError",
    "check_zone",
    "every_seconds",
    "parse",
    "parse_live",
    "zone_warning",
]
