"""The sample agent in the bundled image: ``python -m agentschedule.runner``. Standard library and ``names`` only.

It reads the contract, prints its prompt and writes a result. ``params`` may ask it for a behaviour, so that schedules,
limits and failures can be tried out without an agent (see ``contract``).
"""
