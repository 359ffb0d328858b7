"""What all tests share: how much hypothesis tries, and that processes which they start can be interrupted.

`pytest --hypothesis-profile=fuzz`, as `make fuzz` calls it, feeds 100,000 inputs to each test that is marked `fuzz`.
"""

import signal

from hypothesis import HealthCheck, settings

# A loaded machine is slow now and then, which says nothing of the code: no deadline on a single example.
settings.register_profile("default", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=100_000, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")

# A shell starts what runs in its background with SIGINT ignored, and so would be whatever a test starts there.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
