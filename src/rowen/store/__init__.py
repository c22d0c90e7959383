"""Where the schedule is kept: tables, statements, the ledger, and the engines that run them."""
