"""Data: validation of tables and corpora, file formats, and the data sets of the zoo."""
