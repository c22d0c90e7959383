"""The texts of the pages: a package for each language, with a module for each group of pages."""
