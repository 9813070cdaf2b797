"""Agent Schedule Operator: AgentSchedules become CronJobs, and every run gets a record.

The rooms, outermost first; imports point inward only, and import-linter holds the walls:

- ``handlers``: the Kopf edge. Watches, queues, and calls the rooms below. The only room with a clock.
- ``cluster``: the only caller of the Kubernetes API. Observes, and applies what a plan says.
- ``plan``: pure decisions. No clock, no environment, no input or output.
- ``api``: the two kinds as pydantic models, and the CRDs generated from them.
- ``names``: every wire string, once.

Beside them: ``runner`` (the sample agent in the image), ``cli`` (``kubectl agentschedule``) and ``settings`` (the only
reader of the environment).
"""
