"""Data: tables and corpora as users have them, converted to what a card allows, and the data sets of the zoo."""
