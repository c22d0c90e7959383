"""The store: tables, statements, the ledger, and the database engines that run them."""
