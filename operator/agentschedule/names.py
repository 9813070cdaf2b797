"""Every string that goes over the wire, once: group, kinds, labels, annotations, reasons."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import assert_never

GROUP = "agentschedule.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
SCHEDULE_KIND = "AgentSchedule"
SCHEDULE_PLURAL = "agentschedules"
RUN_KIND = "ScheduleRun"
RUN_PLURAL = "scheduleruns"
MANAGER = "agentschedule-operator"

# Labels: on CronJobs, Jobs, pods and runs.
LABEL_SCHEDULE = f"{GROUP}/schedule"
LABEL_AGENT = f"{GROUP}/agent"
LABEL_TRIGGER = f"{GROUP}/trigger"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"

# Annotations that users write on an AgentSchedule.
ANNOTATION_TRIGGER = f"{GROUP}/trigger"
ANNOTATION_TRIGGER_MESSAGE = f"{GROUP}/trigger-message"
ANNOTATION_TRIGGER_PARAMS = f"{GROUP}/trigger-params"
# Annotations of ours on a CronJob.
ANNOTATION_SPEC_HASH = f"{GROUP}/spec-hash"
ANNOTATION_SPEC_GENERATION = f"{GROUP}/spec-generation"
ANNOTATION_EFFECTIVE_FROM = f"{GROUP}/effective-from"
ANNOTATION_NOT_BEFORE = f"{GROUP}/not-before"
# Annotations of ours on pods (the chart's MutatingAdmissionPolicy sets the first on scheduled runs).
ANNOTATION_SCHEDULED_TIME = f"{GROUP}/scheduled-time"
ANNOTATION_RUN_TRIGGER = f"{GROUP}/run-trigger"
# Annotations of ours on Jobs: how long the first retry waits; and, while a longer wait than Kubernetes' own holds the
# Job suspended, until when.
ANNOTATION_RETRY_DELAY = f"{GROUP}/retry-delay-seconds"
ANNOTATION_HELD_UNTIL = f"{GROUP}/held-until"
# On a ScheduleRun that the operator cancelled: which run took its place.
ANNOTATION_REPLACED_BY = f"{GROUP}/replaced-by"
# On a ScheduleRun that records a Job which Kubernetes made: it never starts one.
ANNOTATION_JOB_UID = f"{GROUP}/job-uid"
# On a ScheduleRun that an annotation asked for: which token it was.
ANNOTATION_TOKEN = f"{GROUP}/token-hash"

# Kubernetes' own.
CRONJOB_TIMESTAMP = "batch.kubernetes.io/cronjob-scheduled-timestamp"
LABEL_JOB_NAME = "batch.kubernetes.io/job-name"
LABEL_JOB_UID = "batch.kubernetes.io/controller-uid"
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
INDEX_FAILURE_COUNT = "batch.kubernetes.io/job-index-failure-count"
INDEX_IGNORED_COUNT = "batch.kubernetes.io/job-index-ignored-failure-count"
DISRUPTION_TARGET = "DisruptionTarget"
FAILURE_TARGET = "FailureTarget"
DEADLINE_EXCEEDED = "DeadlineExceeded"
# The CronJob controller's event when the API refuses a Job.
FAILED_CREATE = "FailedCreate"
# The Lease of the process that the CronJob controller runs in, and where it is.
CONTROLLER_MANAGER = "kube-controller-manager"
SYSTEM_NAMESPACE = "kube-system"

# A condition of ours on a pod, known to the Job's failure policy: no further attempt.
NO_RETRY = f"{GROUP}/NoRetry"

AGENT_CONTAINER = "agent"
RESULT_PATH = "/dev/termination-log"
MESSAGE_VOLUME = "agent-message"
MESSAGE_DIRECTORY = "/etc/agentschedule"
MESSAGE_FILE = f"{MESSAGE_DIRECTORY}/message"


class Env(StrEnum):
    """The agent's environment: the contract, inwards."""

    RUN_NAME = "AGENT_RUN_NAME"
    RUN_NAMESPACE = "AGENT_RUN_NAMESPACE"
    SCHEDULE_NAME = "AGENT_SCHEDULE_NAME"
    NAME = "AGENT_NAME"
    TRIGGER = "AGENT_TRIGGER"
    SCHEDULED_TIME = "AGENT_SCHEDULED_TIME"
    RETRY_COUNT = "AGENT_RETRY_COUNT"
    RETRY_LIMIT = "AGENT_RETRY_LIMIT"
    TIMEOUT_SECONDS = "AGENT_TIMEOUT_SECONDS"
    SESSION_ID = "AGENT_SESSION_ID"
    IDEMPOTENCY_KEY = "AGENT_IDEMPOTENCY_KEY"
    MESSAGE = "AGENT_MESSAGE"
    MESSAGE_FILE = "AGENT_MESSAGE_FILE"
    PARAMS = "AGENT_PARAMS"
    MODEL = "AGENT_MODEL"
    ALLOWED_TOOLS = "AGENT_ALLOWED_TOOLS"
    RESULT_PATH = "AGENT_RESULT_PATH"


class ExitCode(IntEnum):
    """How the agent's process ends: the contract, outwards. Those beyond 1 are those of sysexits.h."""

    FAILED = 1
    USAGE = 64
    CANNOT_WRITE = 73
    NOT_ALLOWED = 77
    CONFIGURATION = 78


# What a retry cannot mend: the same input fails again. Plain numbers, as they go into a Job.
FINAL_EXIT_CODES = (ExitCode.USAGE.value, ExitCode.NOT_ALLOWED.value, ExitCode.CONFIGURATION.value)


class HttpEnv(StrEnum):
    """What the bundled runner gets beside the contract, for an agent behind HTTP."""

    SPEC = "AGENT_HTTP"  # JSON of spec.agent.http, without secrets
    HEADER = "AGENT_HTTP_HEADER_"  # and the index in headersFrom: a secret value
    CA_FILE = "AGENT_HTTP_CA_FILE"


class HttpProtocol(StrEnum):
    """What an agent behind HTTP speaks."""

    JSON = "JSON"
    AGNO = "Agno"
    A2A = "A2A"
    LANGGRAPH = "LangGraph"


class Trigger(StrEnum):
    """What started a run."""

    SCHEDULE = "Schedule"
    MANUAL = "Manual"


class ConcurrencyPolicy(StrEnum):
    """What happens to a run that comes due while another is active."""

    FORBID = "Forbid"
    ALLOW = "Allow"
    REPLACE = "Replace"


class SessionMode(StrEnum):
    """Which session a run of the agent belongs to."""

    NEW = "New"
    FIXED = "Fixed"
    CONTINUE = "Continue"


class Override(StrEnum):
    """What a manual run may say otherwise than its schedule: fields of a ScheduleRun's spec."""

    MESSAGE = "message"
    PARAMS = "params"
    MODEL = "model"
    TIMEOUT_SECONDS = "timeoutSeconds"


class WhenInactive(StrEnum):
    """What a manual run gets while its schedule is suspended."""

    REJECT = "Reject"
    ALLOW = "Allow"


class SchedulePhase(StrEnum):
    """An AgentSchedule in one word."""

    ACTIVE = "Active"
    SUSPENDED = "Suspended"
    PENDING = "Pending"  # before startAt
    COMPLETED = "Completed"  # nothing is due any more
    INVALID = "Invalid"


class RunPhase(StrEnum):
    """A ScheduleRun in one word."""

    PENDING = "Pending"
    RUNNING = "Running"
    RETRYING = "Retrying"  # an attempt failed, and another follows
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"
    CANCELLED = "Cancelled"
    SKIPPED = "Skipped"

    @property
    def final(self) -> bool:
        """True for the ends, which nothing changes any more. Each phase is named: none is an end by default."""
        match self:
            case RunPhase.PENDING | RunPhase.RUNNING | RunPhase.RETRYING:
                return False
            case RunPhase.SUCCEEDED | RunPhase.FAILED | RunPhase.TIMED_OUT | RunPhase.CANCELLED | RunPhase.SKIPPED:
                return True
            case _:
                assert_never(self)

    @property
    def failed(self) -> bool:
        """True for the ends that count as failures."""
        return self in (RunPhase.FAILED, RunPhase.TIMED_OUT)


class Condition(StrEnum):
    """Condition types; the last three are a run's."""

    ACCEPTED = "Accepted"
    READY = "Ready"
    STALLED = "Stalled"
    LAST_RUN_SUCCEEDED = "LastRunSucceeded"
    WARNING = "Warning"
    COMPLETE = "Complete"
    FAILED = "Failed"
    FINISHED = "Finished"


class Reason(StrEnum):
    """Reasons in conditions, statuses and events."""

    # A schedule's.
    ACCEPTED = "Accepted"
    SCHEDULED = "Scheduled"
    SUSPENDED = "Suspended"
    PROGRESSING = "Progressing"
    AS_EXPECTED = "AsExpected"
    COMPLETED = "Completed"
    CLOCK_CHANGE = "ClockChange"
    ZONE = "ZoneWithoutSummerTime"
    SHORT_DEADLINE = "ShortDeadline"
    INVALID_SPEC = "InvalidSpec"
    INVALID_SCHEDULE = "InvalidSchedule"
    INVALID_AGENT = "InvalidAgent"
    CRONJOB_REFUSED = "CronJobRefused"
    CRONJOB_NAME_TAKEN = "CronJobNameTaken"
    CRONJOB_UPDATED = "CronJobUpdated"
    RUN_MISSED = "RunMissed"
    INTERNAL_ERROR = "InternalError"  # a run's as well
    # A trigger's, and a manual run's that is skipped.
    TRIGGER_ACCEPTED = "TriggerAccepted"
    TRIGGER_REJECTED = "TriggerRejected"
    PRESENT_AT_CREATION = "PresentAtCreation"
    SCHEDULE_SUSPENDED = "ScheduleSuspended"
    SCHEDULE_COMPLETED = "ScheduleCompleted"
    SCHEDULE_INVALID = "ScheduleInvalid"
    SCHEDULE_NOT_FOUND = "ScheduleNotFound"
    SCHEDULE_NOT_READY = "ScheduleNotReady"
    ALREADY_RUNNING = "AlreadyRunning"
    TOO_MANY_OPEN_RUNS = "TooManyOpenRuns"
    OVERRIDE_NOT_ALLOWED = "OverrideNotAllowed"
    INVALID_OVERRIDE = "InvalidOverride"
    # A run's.
    SUCCEEDED = "Succeeded"
    AGENT_FAILED = "AgentFailed"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    NAME_TAKEN = "NameTaken"
    RUN_REFUSED = "RunRefused"
    JOB_DELETED = "JobDeleted"
    JOB_FAILED = "JobFailed"
    JOB_REFUSED = "JobRefused"
    NEVER_STARTED = "NeverStarted"
    CANCELLED = "Cancelled"
    REPLACED = "Replaced"
    REPLACING = "Replacing"
    STOPPING = "Stopping"
    NOT_RETRYABLE = "NotRetryable"
    RETRIES_EXHAUSTED = "RetriesExhausted"
    RETRY_PENDING = "RetryPending"
    NODE_LOST = "NodeLost"
    JOB_SUSPENDED = "JobSuspended"
    RECORD_ONLY = "RecordOnly"
    # A missed due time's.
    SUPERSEDED = "Superseded"
    JOB_CREATION_FAILED = "JobCreationFailed"


class TriggerOutcome(StrEnum):
    """What became of a trigger annotation."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


# A due minute at the end of a name belongs to the CronJob controller (8 digits until 2160, 9 after).
DUE_MINUTE_SUFFIX = r"-[0-9]{8,9}$"
DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
MAX_SCHEDULE_NAME = 48
MAX_RUN_NAME = 60
