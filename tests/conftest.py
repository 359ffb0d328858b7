"""What all tests share: how much hypothesis tries.

`pytest --hypothesis-profile=fuzz`, as `make fuzz` calls it, feeds 100,000 inputs to each test that is marked `fuzz`.
"""

from hypothesis import HealthCheck, settings

# A loaded machine is slow now and then, which says nothing of the code: no deadline on a single example.
settings.register_profile("default", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=100_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")
