"""What a scheduled interview is: pure values and rules, with no input, output or clock of their own."""
