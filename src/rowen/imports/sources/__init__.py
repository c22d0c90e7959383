"""Where records come from: files, folders, standard input, and other servers."""
