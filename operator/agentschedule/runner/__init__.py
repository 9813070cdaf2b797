"""The programs in the bundled image. They know ``names`` and nothing else of the operator.

``python -m agentschedule.runner`` is the sample agent, of the standard library alone: it reads the contract, prints its
prompt and writes a result. ``params`` may ask it for a behaviour, so that schedules, limits and failures can be tried
out without an agent (see ``contract``). ``python -m agentschedule.runner.http`` calls an agent behind HTTP.
"""
