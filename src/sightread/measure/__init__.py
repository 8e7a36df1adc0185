"""What the commands `evaluate` and `bench` measure, on the library as users run it."""
