"""How hypothesis works in all tests: in its own time, for that a busy machine is slow says nothing about the code."""

from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
