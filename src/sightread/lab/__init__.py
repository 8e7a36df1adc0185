"""The lab: learning (train), keeping (checkpoint), measuring (evaluate) and handing over (export).
It knows methods only by their record, `methods.method.Method`."""
