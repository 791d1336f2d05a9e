"""Run the same plan anywhere: partition by kind of thread, judge each partition alone."""
