"""What can be done with a schedule: one function a use case, and the ports they need."""
