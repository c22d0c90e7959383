"""What holds while others write."""
